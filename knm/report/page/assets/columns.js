// The columns of the list of problems, and by which of them it is sorted.

const BY_VERDICT = new Map(Object.keys(index.verdicts).map((name, place) => [name, place]));

const MOST_GROUPS = 40;

/** Fields whose values group the problems: several groups, few enough to be read, most not alone. */
const groupingFields = index.fields.filter((name) => {
  const sizes = new Map();
  for (const problem of index.problems) {
    const group = groupOf(problem, name);
    sizes.set(group, (sizes.get(group) ?? 0) + 1);
  }
  const alone = [...sizes.values()].filter((size) => size === 1).length;
  return sizes.size > 1 && sizes.size <= MOST_GROUPS && 2 * alone <= sizes.size;
});

/**
 * Columns as {key, group, name, label, style, listed, value, show}: `value` is what problems are
 * sorted and exported by, null where there is none; `group` is the number of the run, null of the
 * problem. Texts that are different for nearly every problem are not `listed`.
 */
const columns = [
  problemColumn("id", "Problem", (problem) => problem.id),
  ...(index.problems.some((problem) => problem.title)
    ? [problemColumn("title", "Title", (problem) => problem.title)]
    : []),
  ...index.fields.map((name) =>
    problemColumn(
      `field.${name}`,
      name,
      (problem) => problem.fields[name] ?? null,
      groupingFields.includes(name) || index.problems.some((problem) => isNumber(problem.fields[name])),
    ),
  ),
  problemColumn("flip", index.runs.length > 1 ? "Flip" : "Outcome", (problem) => flipName(problem.flip)),
  ...index.runs.flatMap((_, run) => runColumns(run)),
];
const listed = columns.filter((column) => column.listed);
const DEFAULT_SORTING = { key: "id", down: false };
const sorting = { ...DEFAULT_SORTING };

function problemColumn(key, name, value, isListed = true) {
  const show = (problem) => {
    const shown = value(problem);
    return shown === null ? "-" : String(shown);
  };
  return { key, group: null, name, label: name, style: null, listed: isListed, value, show };
}

function runColumns(run) {
  const outcomes = index.problems.map((problem) => problem.outcomes[run]).filter(Boolean);
  const made = (key, name, value, show = shownNumber) => ({
    key: `${key}.${run}`,
    group: run,
    name,
    label: `${name} in ${index.runs[run].label}`,
    style: "figure",
    listed: true,
    value: (problem) => (problem.outcomes[run] ? value(problem.outcomes[run]) : null),
    show: (problem) => (problem.outcomes[run] ? show(value(problem.outcomes[run]), problem.outcomes[run]) : "-"),
  });
  const told = { style: null };
  return [
    { ...made("verdict", "verdict", (outcome) => outcome.verdict, (_, outcome) => verdictMark(outcome)), ...told },
    outcomes.some((outcome) => outcome.class)
      ? { ...made("class", "class", (outcome) => outcome.class, (shown) => shown ?? "-"), ...told }
      : null,
    made(
      "tests",
      "tests passed",
      (outcome) => (outcome.tests[1] ? outcome.tests[0] / outcome.tests[1] : null),
      (_, outcome) => outcome.tests.join("/"),
    ),
    outcomes.some((outcome) => outcome.samples > 1)
      ? made(
          "samples",
          "samples passed",
          (outcome) => outcome.passed / outcome.samples,
          (_, outcome) => `${outcome.passed}/${outcome.samples}`,
        )
      : null,
    made("tokens", "tokens", (outcome) => outcome.tokens),
    outcomes.some((outcome) => outcome.changes !== null)
      ? made("changes", "changed", (outcome) => outcome.changes)
      : null,
    made("seconds", "seconds", (outcome) => outcome.seconds),
  ].filter(Boolean);
}

function isNumber(value) {
  return typeof value === "number";
}

function shownNumber(value) {
  return value === null ? "-" : String(value);
}

function sortColumn() {
  return columns.find((column) => column.key === sorting.key) ?? columns[0];
}

/** Problems' numbers in the chosen order; those without a value are last, whichever way. */
function sorted(numbers) {
  const { key, value } = sortColumn();
  const rank = key.startsWith("verdict.") ? (name) => BY_VERDICT.get(name) ?? name : (told) => told;
  const keyed = numbers.map((number) => [number, value(index.problems[number])]);
  const lacking = keyed.filter(([, told]) => told === null);
  const there = keyed.filter(([, told]) => told !== null);
  const way = sorting.down ? -1 : 1;
  there.sort((a, b) => way * compared(rank(a[1]), rank(b[1])) || a[0] - b[0]);
  return [...there, ...lacking].map(([number]) => number);
}

function compared(a, b) {
  if (isNumber(a) && isNumber(b)) return a - b;
  const [left, right] = [String(a), String(b)];
  return left < right ? -1 : Number(left > right);
}

function sortBy(key, down) {
  Object.assign(sorting, { key, down });
  filtersChanged();
}

/** What a first click on a column sorts by: figures with the largest first. */
function sortsDown(column) {
  return column.style === "figure";
}

function listHead() {
  const own = listed.filter((column) => column.group === null);
  const groups = element(
    "tr",
    { class: "groups" },
    element("td", { colspan: own.length }),
    index.runs.map((run, number) =>
      element(
        "th",
        { scope: "colgroup", colspan: listed.filter((column) => column.group === number).length },
        element("span", { class: `dot k-${run.kind}` }),
        run.label,
      ),
    ),
  );
  return element("thead", {}, groups, element("tr", {}, listed.map(headCell)));
}

function headCell(column) {
  const current = sortColumn() === column;
  const way = sorting.down ? "descending" : "ascending";
  const mark = current ? (sorting.down ? " ↓" : " ↑") : "";
  const button = element("button", { type: "button", "data-key": column.key }, column.name + mark);
  button.addEventListener("click", () => {
    sortBy(column.key, current ? !sorting.down : sortsDown(column));
    list.querySelector(`button[data-key="${CSS.escape(column.key)}"]`)?.focus();
  });
  return element("th", { scope: "col", "aria-sort": current ? way : "none", class: column.style }, button);
}

/** The choice that phones have, and whoever has a problem open. */
function showSorting() {
  const select = byId("sort-key");
  if (select.options.length === 0) {
    select.append(...columns.map((column) => element("option", { value: column.key }, column.label)));
  }
  select.value = sortColumn().key;
  const way = byId("sort-way");
  way.textContent = sorting.down ? "↓" : "↑";
  way.setAttribute("aria-label", `Sort order: ${sorting.down ? "descending" : "ascending"}`);
}

byId("sort-key").addEventListener("change", (event) => {
  const column = columns.find((each) => each.key === event.target.value);
  sortBy(column.key, sortsDown(column));
});
byId("sort-way").addEventListener("click", () => sortBy(sorting.key, !sorting.down));
