// The list of problems found: a table, or with a problem open its first column. One stop of the tab
// key, arrow keys inside.

const list = byId("list");
let found = []; // numbers of the problems in the list, in its order
const rows = new Map(); // problem number -> {row, link}; made once, so that filtering is cheap

function showList() {
  found = sorted(foundProblems());
  const empty = element("p", { class: "empty" }, "No problem matches these filters.");
  const body = element("tbody", {}, found.map((number) => rowOf(number).row));
  const name = `Problems by ${sortColumn().label}, ${sorting.down ? "descending" : "ascending"}`;
  const table = element("table", { "aria-label": name }, listHead(), body);
  list.replaceChildren(found.length ? table : empty);
  byId("found").textContent = `${found.length} of ${index.problems.length} problems`;
  showSorting();
  showChosenFields();
  showBreakdown();
  markCurrent(shownProblem);
}

function linkOf(number) {
  return rowOf(number).link;
}

function rowOf(number) {
  if (!rows.has(number)) rows.set(number, problemRow(index.problems[number]));
  return rows.get(number);
}

function problemRow(problem) {
  const link = element(
    "a",
    { href: permalink(problem.id), tabindex: -1 },
    element("span", { class: "row-top" }, element("span", {}, problem.id), flipMark(problem)),
    problem.title ? element("span", { class: "row-title" }, problem.title) : null,
    element("span", { class: "row-verdicts" }, problem.outcomes.map(countedVerdict)),
  );
  const cells = listed.slice(1).map((column) => element("td", { class: column.style }, column.show(problem)));
  return { link, row: element("tr", {}, element("th", { scope: "row" }, link), cells) };
}

function flipMark(problem) {
  const told = problem.flip === "gained" || problem.flip === "lost";
  return told ? element("span", { class: `flip ${problem.flip}` }, problem.flip) : null;
}

/** A run's verdict on a problem, and how many of several samples pass. */
function countedVerdict(outcome) {
  const mark = verdictMark(outcome);
  if (outcome?.samples > 1) mark.append(` ${outcome.passed}/${outcome.samples}`);
  return mark;
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
