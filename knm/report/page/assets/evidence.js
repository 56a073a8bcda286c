// What a problem asks, and the first test that a program fails.

function askedParts({ statement, around, hash }) {
  const parts = [];
  if (statement !== null) parts.push(folded("Statement", statement));
  if (statement !== null && around !== null) {
    parts.push(folded("Prompt", around[0] + statement + around[1]));
  }
  if (hash !== null) {
    const source = statement === null ? " (the text is shown with --problems)" : "";
    parts.push(element("p", { class: "hint" }, `SHA-256 of the prompt: `, element("code", {}, hash), source));
  }
  return parts;
}

function folded(name, text) {
  return element("details", { class: "asked" }, element("summary", {}, name), textBox(name, text));
}

function textBox(name, text) {
  return element("pre", { class: "text", tabindex: 0, role: "region", "aria-label": name }, text);
}

/** Input, expected and got side by side with their differences, standard error. */
function evidenceParts(label, sample) {
  const told = sample.evidence;
  if (told === null) return [];
  const test = sample.failing_test === null ? "" : `: test ${sample.failing_test + 1} of ${sample.tests_total}`;
  const parts = [element("h5", {}, label + test)];
  if (told.input !== null) parts.push(element("h6", {}, "Input"), textBox("Input", told.input));
  if (told.expected !== null || told.got !== null) {
    const side = (name, text) => ({ label: name, text: (text ?? "").replace(/\n$/, ""), changes: [] });
    const sides = [side("expected", told.expected), side("got", told.got)];
    parts.push(programTable(sides));
    if (sides[0].text === sides[1].text) {
      parts.push(element("p", { class: "hint" }, "As far as it is kept, the output is as expected."));
    }
  }
  if (told.stderr !== null) {
    parts.push(element("h6", {}, "Standard error"), textBox("Standard error", told.stderr));
  }
  return [element("section", { class: "evidence" }, parts)];
}

/** What a page leaves out to stay small. */
function cutNote() {
  if (index.cut === null) return null;
  const { program, evidence, changes } = index.cut;
  return element(
    "p",
    { class: "hint" },
    `To stay below 8 MB this page shows ${program.toLocaleString("en")} characters of a program, ` +
      `${evidence.toLocaleString("en")} of a test's texts, and ${changes} changes of samples that do ` +
      "not decide; the reports hold the rest.",
  );
}
