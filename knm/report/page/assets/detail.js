// One problem in full.

const browser = byId("browser");
const detail = byId("detail");
let shownProblem = null;
let pair = [0, Math.min(1, index.runs.length - 1)]; // numbers of the runs side by side

/** Show a problem by its number; -1 says that the address names none of this page's. */
async function showProblem(number) {
  hidePopover();
  shownProblem = number;
  browser.toggleAttribute("data-open", number !== null);
  markCurrent(number);
  if (number === null) {
    detail.replaceChildren(element("p", { class: "hint" }, "Choose a problem, or press j."));
    return;
  }
  if (number < 0) {
    const text = "This report has no problem of that name.";
    detail.replaceChildren(backButton(), element("p", { class: "hint" }, text));
    return;
  }
  const details = await detailsOf(number);
  if (shownProblem !== number) return; // another one was opened meanwhile
  chooseDeciding(index.problems[number]);
  renderProblem(index.problems[number], details);
}

function renderProblem(problem, details) {
  const render = () => renderProblem(problem, details);
  const { asked, results } = details;
  const shown = results.map((samples, run) => samples && samples[chosenSamples[run]]);
  const folds = [...detail.querySelectorAll("details.asked")].map((each) => each.open);
  detail.replaceChildren(
    element(
      "div",
      { class: "detail-top" },
      element(
        "div",
        { class: "detail-title" },
        element("h3", { id: "detail-title", tabindex: -1 }, problem.id),
        flipMark(problem),
        element("a", { href: permalink(problem.id) }, "permalink"),
      ),
      moveButtons(),
    ),
    problem.title ? element("p", { class: "title" }, problem.title) : "",
    fieldsLine(problem),
    problem.errata
      ? element("p", { class: "warning" }, `Known to be wrong with this problem: ${problem.errata}`)
      : "",
    ...askedParts(asked),
    ...sampleChoice(problem, results, render),
    factsTable(shown),
    ...failingTests(results, shown),
    element("h4", {}, "Programs"),
    index.runs.length > 2 ? pairChoice(render) : "",
    ...programs(results, shown),
    ...shown.flatMap((sample, run) => (sample ? changesList(sample, run) : [])),
    cutNote() ?? "",
  );
  if (detail.dataset.problem === problem.id) {
    // Another sample of the same problem: what was unfolded stays so.
    detail.querySelectorAll("details.asked").forEach((each, at) => (each.open = folds[at] ?? false));
  }
  detail.dataset.problem = problem.id;
}

function fieldsLine(problem) {
  const told = Object.entries(problem.fields).map(([name, value]) => `${name} ${value}`);
  return told.length ? element("p", { class: "hint" }, told.join(" · ")) : "";
}

function failingTests(results, shown) {
  const parts = shownRuns(shown).flatMap((run) => evidenceParts(sampleName(run, results[run]), shown[run]));
  return parts.length ? [element("h4", {}, "First failing test"), ...parts] : [];
}

/** Numbers of the runs side by side that have the problem. */
function shownRuns(shown) {
  return [...new Set(pair)].filter((run) => shown[run]);
}

function moveButtons() {
  const at = found.indexOf(shownProblem);
  const move = (label, step) => {
    const made = element("button", { type: "button" }, label);
    made.disabled = at < 0 ? found.length === 0 : found[at + step] === undefined;
    made.addEventListener("click", () => moveBy(step));
    return made;
  };
  return element("div", { class: "moves" }, backButton(), move("Previous", -1), move("Next", 1));
}

function backButton() {
  const made = element("button", { type: "button", class: "back" }, "All problems");
  made.addEventListener("click", () => {
    location.hash = "#problems" + stateQuery();
  });
  return made;
}

function factsTable(results) {
  const facts = [
    ["verdict", verdictMark],
    ["class", (result) => result.class ?? "-"],
    ["message", (result) => result.message || "-"],
    ["tests passed", testsText],
    ["tokens", (result) => `${result.prompt_tokens} + ${result.completion_tokens}${endText(result)}`],
    ["time", (result) => `${result.generation_seconds} s, judged in ${result.judge_seconds} s`],
  ];
  if (results.some((result) => result?.knn)) facts.push(["retrieval", retrievalText]);
  const table = element(
    "table",
    { class: "facts" },
    element(
      "thead",
      {},
      element(
        "tr",
        {},
        element("td"),
        index.runs.map((run) =>
          element("th", { scope: "col" }, element("span", { class: `dot k-${run.kind}` }), run.label),
        ),
      ),
    ),
    element(
      "tbody",
      {},
      facts.map(([name, show]) =>
        element(
          "tr",
          {},
          element("th", { scope: "row" }, name),
          results.map((result) => element("td", {}, result ? show(result) : "-")),
        ),
      ),
    ),
  );
  table.style.minWidth = `${100 + 85 * index.runs.length}px`; // else it scrolls in its box
  return element(
    "div",
    { class: "scroll", tabindex: 0, role: "region", "aria-label": "Outcomes by run" },
    table,
  );
}

function testsText(result) {
  const first = result.failing_test === null ? "" : `; test ${result.failing_test + 1} fails`;
  return `${result.tests_passed} of ${result.tests_total}${first}`;
}

function endText(result) {
  const ends = { length: " (cut at the limit)", context: " (longer than the model's context)" };
  return ends[result.finish_reason] ?? "";
}

function retrievalText(result) {
  const use = result.knn;
  return use ? `searched ${use.searched} of ${use.steps} steps, changed ${use.argmax_changes}` : "none";
}

function programs(results, shown) {
  const sides = shownRuns(shown).map((run) => ({
    label: sideLabel(run, results[run], shown[run]),
    text: shown[run].program ?? "",
    changes: shown[run].changes.filter((change) => change.start !== null),
  }));
  if (sides.length === 0) return [element("p", { class: "hint" }, "Neither run has this problem.")];
  const changes = sides.flatMap((side) => side.changes);
  const notes = [];
  if (sides.length > 1 && sides[0].text === sides[1].text) {
    notes.push(element("p", { class: "hint" }, "The programs are the same."));
  }
  return [...notes, programTable(sides), changes.length ? changeLegend() : ""];
}

function sideLabel(run, samples, sample) {
  const name = sampleName(run, samples);
  if (sample.program === null) return `${name}: nothing was generated`;
  return name + (sample.extracted ? "" : ": completion, no program was found");
}

function changeLegend() {
  return element(
    "p",
    { class: "legend" },
    element("span", {}, element("span", { class: "change" }, "token"), " changed by retrieval"),
    "Point at one or move the focus there to see its neighbours.",
  );
}

/** The recorded changes of a run as a table: also those whose place is not known, and on paper. */
function changesList(result, run) {
  if (result.changes.length === 0) return [];
  const total = result.knn.argmax_changes;
  const kept = result.changes.length < total ? `, the first ${result.changes.length} recorded` : "";
  const rows = result.changes.map((change) =>
    element(
      "tr",
      {},
      element("td", {}, String(change.position + 1)),
      element("td", {}, element("code", {}, visible(change.lmToken))),
      element("td", {}, element("code", {}, visible(change.token))),
      element("td", {}, [change.tally, ...change.neighbours.map(neighbourText)].filter(Boolean).join("; ") || "-"),
    ),
  );
  const names = ["Token", "LM", "Made", "Neighbours: distance, source"];
  return [
    element(
      "details",
      { class: "changes" },
      element("summary", {}, `${index.runs[run].label}: ${total} tokens changed${kept}`),
      element(
        "table",
        {},
        element("thead", {}, element("tr", {}, names.map((name) => element("th", { scope: "col" }, name)))),
        element("tbody", {}, rows),
      ),
    ),
  ];
}

function neighbourText({ token, distance, source }) {
  return `${visible(token)} ${distance}, ${source}`;
}

/** With more than two runs: which two are side by side. */
function pairChoice(render) {
  const choice = (side, name) => {
    const select = element(
      "select",
      {},
      index.runs.map((run, number) => element("option", { value: number }, run.label)),
    );
    select.value = String(pair[side]);
    select.addEventListener("change", () => {
      pair[side] = Number(select.value);
      render();
      detail.querySelectorAll(".pair select")[side].focus();
    });
    return element("label", {}, `${name} `, select);
  };
  return element("div", { class: "pair" }, choice(0, "Left"), choice(1, "Right"));
}
