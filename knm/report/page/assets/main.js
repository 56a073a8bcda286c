// Starts the page, and joins address, list and keys.

/** Open the problem `step` places further in the list; from none, the first. */
function moveBy(step) {
  const at = found.indexOf(shownProblem);
  const next = at < 0 ? found[0] : found[at + step];
  if (next !== undefined) location.hash = permalink(index.problems[next].id) + stateQuery();
}

/** An address without a query, as those of the grid, leaves the filters as they are. */
async function followAddress() {
  const number = problemOf(location.hash);
  const [place] = location.hash.split("?");
  if (number === null && place !== "#problems") return; // another section
  if (location.hash.includes("?")) {
    readState(location.hash);
    showList();
  } else {
    keepState();
  }
  const fromList = list.contains(document.activeElement);
  await showProblem(number);
  // With a query the browser does not find the section by itself.
  if (number === null && location.hash.includes("?")) byId("problems").scrollIntoView();
  if (number === null || number < 0) return;
  if (fromList && found.includes(number) && linkOf(number).checkVisibility()) {
    linkOf(number).focus({ preventScroll: true });
  } else {
    byId("detail-title")?.focus({ preventScroll: true });
  }
  const { top } = detail.getBoundingClientRect();
  if (top < 0 || top > window.innerHeight / 2) detail.scrollIntoView({ block: "start" });
}

const KEYS = {
  j: () => moveBy(1),
  k: () => moveBy(-1),
  "/": () => filters.text.focus(),
};

function onKey(event) {
  if (event.key === "Escape") {
    if (!popover.hidden) hidePopover();
    else if (event.target === filters.text) filters.text.blur();
    return;
  }
  const typing = event.target.matches("input[type=search], select, textarea");
  if (typing || event.ctrlKey || event.metaKey || event.altKey || !(event.key in KEYS)) return;
  event.preventDefault();
  KEYS[event.key]();
}

fillFilters();
showList();
byId("filters").addEventListener("input", (event) => {
  if (event.target.id !== "sort-key") filtersChanged(); // which says so itself
});
byId("filters").addEventListener("submit", (event) => event.preventDefault());
document.addEventListener("keydown", onKey);
window.addEventListener("hashchange", followAddress);
followAddress();
