// Filters, order and breakdown in the page's address, behind the problem that is open.

const DEFAULT_BREAKDOWN = brokenDownBy;

/** What differs from a page just opened, as the query of an address: empty, or from `?` on. */
function stateQuery() {
  const flip = filters.flip.querySelector("input:checked").value;
  const told = [
    ["q", filters.text.value],
    ["run", filters.run.value],
    ["verdict", filters.verdict.value],
    ["class", filters.errorClass.value],
    ["flip", flip],
    ["sort", sorting.key === DEFAULT_SORTING.key ? "" : sorting.key],
    ["order", sorting.down ? "down" : ""],
    ["by", brokenDownBy === DEFAULT_BREAKDOWN ? "" : brokenDownBy],
    ...[...chosenFields].map(([name, group]) => [`field.${name}`, group]),
  ];
  const query = new URLSearchParams(told.filter(([, value]) => value !== ""));
  return query.size ? `?${query}` : "";
}

/** Set the page to what an address says; what it does not name is as in a page just opened. */
function readState(hash) {
  const query = new URLSearchParams(hash.slice(hash.indexOf("?") + 1));
  const told = (name) => query.get(name) ?? "";
  filters.text.value = told("q");
  for (const [name, select] of [["run", filters.run], ["verdict", filters.verdict], ["class", filters.errorClass]]) {
    select.value = told(name);
    if (select.selectedIndex < 0) select.value = ""; // it does not occur in these runs
  }
  for (const input of filters.flip.querySelectorAll("input")) input.checked = input.value === told("flip");
  if (!filters.flip.querySelector("input:checked")) filters.flip.querySelector("input").checked = true;
  const key = columns.some((column) => column.key === told("sort")) ? told("sort") : DEFAULT_SORTING.key;
  Object.assign(sorting, { key, down: told("order") === "down" });
  brokenDownBy = groupingFields.includes(told("by")) ? told("by") : DEFAULT_BREAKDOWN;
  chosenFields.clear();
  for (const [name, group] of query) {
    const field = name.startsWith("field.") ? name.slice("field.".length) : null;
    if (index.fields.includes(field)) chosenFields.set(field, group);
  }
}

/** Show what the filters say now, and keep it in the address. */
function filtersChanged() {
  showList();
  keepState();
}

function keepState() {
  const [place] = location.hash.split("?");
  const query = stateQuery();
  const inList = place === "#problems" || place.startsWith("#problem/");
  if (query === "" && !location.hash.includes("?")) return;
  history.replaceState(null, "", `${inList ? place : "#problems"}${query}`);
}
