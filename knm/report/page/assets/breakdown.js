// Pass rates of the problems found, by the values of one of their fields.

const Z = 1.959963984540054; // of a 95 % interval

let brokenDownBy = groupingFields[0] ?? "";

function showBreakdown() {
  const box = byId("breakdown");
  box.hidden = groupingFields.length === 0;
  if (box.hidden) return;
  const opened = box.querySelector("details")?.open ?? true;
  const select = element(
    "select",
    { "aria-label": "Break down by" },
    groupingFields.map((name) => element("option", { value: name }, name)),
  );
  select.value = brokenDownBy;
  select.addEventListener("change", () => {
    brokenDownBy = select.value;
    filtersChanged();
    box.querySelector("select").focus();
  });
  box.replaceChildren(
    element(
      "details",
      { open: opened },
      element("summary", {}, `Pass rates by ${brokenDownBy}`),
      element("label", {}, "Break down by ", select),
      element("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Breakdown" }, breakdownTable()),
    ),
  );
}

function breakdownTable() {
  const groups = new Map();
  for (const number of found) {
    const group = groupOf(index.problems[number], brokenDownBy);
    groups.set(group, [...(groups.get(group) ?? []), index.problems[number]]);
  }
  const names = [...groups.keys()].sort(new Intl.Collator("en", { numeric: true }).compare);
  return element(
    "table",
    {},
    element(
      "thead",
      {},
      element(
        "tr",
        {},
        element("th", { scope: "col" }, brokenDownBy),
        element("th", { scope: "col" }, "problems"),
        index.runs.map((run) =>
          element("th", { scope: "col" }, element("span", { class: `dot k-${run.kind}` }), run.label),
        ),
      ),
    ),
    element("tbody", {}, names.map((name) => breakdownRow(name, groups.get(name)))),
  );
}

function breakdownRow(name, problems) {
  const button = element("button", { type: "button" }, name);
  button.addEventListener("click", () => {
    chosenFields.set(brokenDownBy, name);
    filtersChanged();
  });
  return element(
    "tr",
    {},
    element("th", { scope: "row" }, button),
    element("td", {}, String(problems.length)),
    index.runs.map((_, run) => element("td", {}, rateText(problems, run))),
  );
}

/** Such as `45.2 % (14 of 31), 29.2-62.2 %`; faults of the infrastructure count in no rate. */
function rateText(problems, run) {
  const counted = problems
    .map((problem) => problem.outcomes[run])
    .filter((outcome) => outcome && !index.faults.includes(outcome.verdict));
  if (counted.length === 0) return "-";
  if (counted.some((outcome) => outcome.samples > 1)) {
    const rates = counted.map((outcome) => outcome.passed / outcome.samples);
    return `${percent(rates.reduce((sum, rate) => sum + rate, 0) / rates.length)} of all samples`;
  }
  const passed = counted.filter((outcome) => outcome.passed === 1).length;
  const [low, high] = wilson(passed, counted.length).map((share) => percent(share).replace(" %", ""));
  return `${percent(passed / counted.length)} (${passed} of ${counted.length}), ${low}-${high} %`;
}

function percent(share) {
  return `${(100 * share).toFixed(1)} %`;
}

/** Wilson's 95 % interval, as in the summary. */
function wilson(passed, total) {
  const share = passed / total;
  const scale = 1 + Z ** 2 / total;
  const centre = (share + Z ** 2 / (2 * total)) / scale;
  const margin = (Z * Math.sqrt((share * (1 - share)) / total + Z ** 2 / (4 * total ** 2))) / scale;
  return [passed === 0 ? 0 : centre - margin, passed === total ? 1 : centre + margin];
}
