// The problems found, in their order, as files.

/** A table of the columns, as RFC 4180 has it. */
function foundAsCsv() {
  const head = columns.map((column) =>
    column.group === null ? column.name : `${index.runs[column.group].label}: ${column.name}`,
  );
  const lines = found.map((number) => columns.map((column) => column.value(index.problems[number])));
  return [head, ...lines].map((line) => line.map(csvCell).join(",")).join("\r\n") + "\r\n";
}

function csvCell(value) {
  if (value === null || typeof value === "number") return value === null ? "" : String(value);
  const text = String(value);
  // A spreadsheet would compute what begins like this, and anyone may have written it.
  const plain = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain;
}

function foundAsJson() {
  const told = found.map((number) => {
    const { id, title, fields, flip, errata, outcomes } = index.problems[number];
    const runs = index.runs.map((run, at) => [run.label, outcomes[at]]);
    return { id, title, fields, flip, errata, runs: Object.fromEntries(runs) };
  });
  return JSON.stringify(told, null, 1) + "\n";
}

function download(name, type, text) {
  const address = URL.createObjectURL(new Blob([text], { type }));
  element("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

byId("export-csv").addEventListener("click", () => download("problems.csv", "text/csv", foundAsCsv()));
byId("export-json").addEventListener("click", () =>
  download("problems.json", "application/json", foundAsJson()),
);
