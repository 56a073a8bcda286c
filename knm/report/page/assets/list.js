// The list of problems found: one stop of the tab key, arrow keys inside.

const list = byId("list");
let found = []; // numbers of the problems in the list, in its order
const links = new Map(); // problem number -> its link; made once, so that filtering is cheap

function showList() {
  found = foundProblems();
  const items = found.map((number) => element("li", {}, linkOf(number)));
  const empty = element("li", { class: "empty" }, "No problem matches these filters.");
  list.replaceChildren(...(items.length ? items : [empty]));
  byId("found").textContent = `${found.length} of ${index.problems.length} problems`;
  markCurrent(shownProblem);
}

function linkOf(number) {
  if (!links.has(number)) links.set(number, problemLink(index.problems[number]));
  return links.get(number);
}

function problemLink(problem) {
  return element(
    "a",
    { href: permalink(problem.id), tabindex: -1 },
    element("span", { class: "row-top" }, element("span", {}, problem.id), flipMark(problem)),
    element("span", { class: "row-verdicts" }, problem.outcomes.map(verdictMark)),
  );
}

function flipMark(problem) {
  const told = problem.flip === "gained" || problem.flip === "lost";
  return told ? element("span", { class: `flip ${problem.flip}` }, problem.flip) : null;
}

function verdictMark(outcome) {
  const kind = outcome ? index.verdicts[outcome.verdict] : "absent";
  return element(
    "span",
    { class: "verdict" },
    element("span", { class: `dot k-${kind}`, "aria-hidden": "true" }),
    outcome ? outcome.verdict : "absent",
  );
}

/** Mark the open problem; it, or else the first one, is where the tab key enters the list. */
function markCurrent(number) {
  for (const link of list.querySelectorAll("a")) {
    link.removeAttribute("aria-current");
    link.tabIndex = -1;
  }
  const entry = found.includes(number) ? number : found[0];
  if (entry === undefined) return;
  linkOf(entry).tabIndex = 0;
  if (entry !== number) return;
  linkOf(entry).setAttribute("aria-current", "true");
  scrollInside(list, linkOf(entry));
}

/** Bring a link that is out of sight to the upper third of its box, without moving the page. */
function scrollInside(box, link) {
  const outer = box.getBoundingClientRect();
  const inner = link.getBoundingClientRect();
  const seen = inner.top >= outer.top && inner.bottom <= Math.min(outer.bottom, window.innerHeight);
  if (!seen) box.scrollTop += inner.top - outer.top - box.clientHeight / 3;
}

/** Move the focus among sibling links with the arrow keys, Home and End. */
function roveWith(event, siblings, steps) {
  const at = siblings.indexOf(document.activeElement);
  const targets = { Home: 0, End: siblings.length - 1 };
  const target = event.key in steps ? at + steps[event.key] : targets[event.key];
  if (at < 0 || target === undefined) return;
  event.preventDefault();
  const next = siblings[Math.max(0, Math.min(target, siblings.length - 1))];
  siblings[at].tabIndex = -1;
  next.tabIndex = 0;
  next.focus();
}

list.addEventListener("keydown", (event) =>
  roveWith(event, [...list.querySelectorAll("a")], { ArrowDown: 1, ArrowUp: -1 }),
);

for (const chart of document.querySelectorAll("#flip-grid .chart")) {
  const cells = [...chart.querySelectorAll("a")];
  if (cells.length) cells[0].tabIndex = 0;
  const columns = cells.filter((cell) => topOf(cell) === topOf(cells[0])).length;
  chart.addEventListener("keydown", (event) =>
    roveWith(event, cells, { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns }),
  );
}

function topOf(cell) {
  return cell.querySelector("rect").getAttribute("y");
}
