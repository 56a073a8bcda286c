// Which problems are shown.

const filters = {
  text: byId("filter-text"),
  run: byId("filter-run"),
  verdict: byId("filter-verdict"),
  errorClass: byId("filter-class"),
  flip: byId("filter-flip"),
};
const chosenFields = new Map(); // name of a field -> the group of its values that is shown

/** Offer what occurs in the runs. */
function fillFilters() {
  const outcomes = index.problems.flatMap((problem) => problem.outcomes).filter(Boolean);
  const occurring = new Set(outcomes.map((outcome) => outcome.verdict));
  const classes = new Set(outcomes.map((outcome) => outcome.class).filter(Boolean));
  index.runs.forEach((run, number) =>
    filters.run.append(element("option", { value: number }, run.label)),
  );
  for (const verdict of Object.keys(index.verdicts).filter((name) => occurring.has(name))) {
    filters.verdict.append(element("option", { value: verdict }, verdict));
  }
  for (const name of [...classes].sort()) {
    filters.errorClass.append(element("option", { value: name }, name));
  }
  const choices = [["", "all", index.problems.length]];
  for (const [flip, count] of Object.entries(index.flips)) choices.push([flip, flipName(flip), count]);
  for (const [flip, name, count] of choices) filters.flip.append(flipChoice(flip, name, count));
}

function flipChoice(flip, name, count) {
  const input = element("input", { type: "radio", name: "flip", value: flip });
  input.checked = flip === "";
  return element("label", {}, input, element("span", {}, `${name} ${count}`));
}

/** With a single run nothing flips. */
function flipName(flip) {
  if (index.runs.length > 1) return flip;
  return { "always accepted": "accepted", "never accepted": "not accepted" }[flip] ?? flip;
}

/** Numbers of the problems that all filters admit. */
function foundProblems() {
  const words = filters.text.value.toLowerCase().split(/\s+/).filter(Boolean);
  const flip = filters.flip.querySelector("input:checked").value;
  const found = [];
  index.problems.forEach((problem, number) => {
    const admitted =
      (flip === "" || problem.flip === flip) &&
      [...chosenFields].every(([name, group]) => groupOf(problem, name) === group) &&
      outcomeAdmitted(problem);
    if (admitted && words.every((word) => searchText(problem).includes(word))) found.push(number);
  });
  return found;
}

/** Whether one outcome (of the chosen run, if one is) has both verdict and class. */
function outcomeAdmitted(problem) {
  const verdict = filters.verdict.value;
  const errorClass = filters.errorClass.value;
  if (verdict === "" && errorClass === "") return true;
  return problem.outcomes.some(
    (outcome, run) =>
      outcome !== null &&
      (filters.run.value === "" || Number(filters.run.value) === run) &&
      (verdict === "" || outcome.verdict === verdict) &&
      (errorClass === "" || outcome.class === errorClass),
  );
}

function searchText(problem) {
  const outcomes = problem.outcomes
    .filter(Boolean)
    .map((outcome) => `${outcome.verdict} ${outcome.class ?? ""}`);
  const told = [problem.id, problem.title ?? "", ...Object.values(problem.fields), ...outcomes];
  return told.join(" ").toLowerCase();
}

/** The group of values that a problem's field is in: a date's month, else the value as it is. */
function groupOf(problem, name) {
  const text = String(problem.fields[name] ?? "-");
  return /^\d{4}-\d{2}-\d{2}/.test(text) ? text.slice(0, 7) : text;
}

/** What narrows the list by fields, each with a button that takes it away. */
function showChosenFields() {
  const box = byId("chosen");
  box.hidden = chosenFields.size === 0;
  box.replaceChildren(
    ...[...chosenFields].map(([name, group]) => {
      const made = element("button", { type: "button" }, `${name}: ${group} ×`);
      made.setAttribute("aria-label", `Show all values of ${name} again`);
      made.addEventListener("click", () => {
        chosenFields.delete(name);
        filtersChanged();
      });
      return made;
    }),
  );
}
