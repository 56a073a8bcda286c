// Which of a problem's samples are shown: those that decide, until others are chosen.

let chosenSamples = []; // of the open problem: per run the index of a sample

function chooseDeciding(problem) {
  chosenSamples = problem.outcomes.map((outcome) => outcome?.decides ?? 0);
}

/** A row of buttons for each run that has several samples. */
function sampleChoice(problem, results, render) {
  if (!problem.outcomes.some((outcome) => outcome?.samples > 1)) return [];
  const lines = results.flatMap((samples, run) => {
    if (!samples) return [];
    const { passed, decides } = problem.outcomes[run];
    const buttons = samples.map((sample, number) => {
      const name = `sample ${number + 1}: ${sample.verdict}${number === decides ? ", decides" : ""}`;
      const made = element(
        "button",
        {
          type: "button",
          class: "sample",
          title: name,
          "aria-label": `${index.runs[run].label}, ${name}`,
          "aria-pressed": String(number === chosenSamples[run]),
        },
        element("span", { class: `dot k-${index.verdicts[sample.verdict]}`, "aria-hidden": "true" }),
        `${number + 1}${number === decides ? "*" : ""} ${sample.verdict}`,
      );
      made.addEventListener("click", () => {
        chosenSamples[run] = number;
        render();
        detail.querySelectorAll(`[data-run="${run}"] button`)[number].focus();
      });
      return made;
    });
    return [
      element(
        "div",
        { class: "samples", "data-run": run },
        element("span", { class: "samples-run" }, element("span", { class: `dot k-${index.runs[run].kind}` }), index.runs[run].label),
        element("span", { class: "hint" }, `${passed} of ${samples.length} pass`),
        element("span", { class: "sample-buttons" }, buttons),
      ),
    ];
  });
  return [element("h4", {}, "Samples"), ...lines, element("p", { class: "hint" }, "* decides the problem's verdict.")];
}

function sampleName(run, samples) {
  const { label } = index.runs[run];
  return samples.length > 1 ? `${label}, sample ${chosenSamples[run] + 1}` : label;
}
