// Two programs side by side, or one alone, with the tokens that retrieval changed.

/** A table of the diff; `sides` are {label, text, changes}, one or two. */
function programTable(sides) {
  const [left, right] = sides;
  const rows = right ? diffRows(left.text, right.text) : linesOf(left.text).map(aloneRow);
  return element(
    "div",
    { class: "program" },
    element(
      "table",
      {},
      element("colgroup", {}, sides.map(() => [element("col", { class: "number" }), element("col")])),
      element(
        "thead",
        {},
        element("tr", {}, sides.map((side) => element("th", { scope: "col", colspan: 2 }, side.label))),
      ),
      element("tbody", {}, rows.map((row) => programRow(row, left, right))),
    ),
  );
}

function aloneRow(line) {
  return { same: true, left: line, right: null };
}

function programRow(row, left, right) {
  return element(
    "tr",
    { class: row.same ? "same" : "changed" },
    lineCells(row.left, row.same ? "" : "removed", "del", left.changes),
    right ? lineCells(row.right, row.same ? "" : "added", "ins", right.changes) : [],
  );
}

function lineCells(line, style, tag, changes) {
  if (line === null) {
    return [element("td", { class: "number gone" }), element("td", { class: "code gone" })];
  }
  return [
    element("td", { class: `number ${style}` }, String(line.number)),
    element("td", { class: `code ${style}` }, pieces(line, tag, changes)),
  ];
}

/** A line cut where a mark or a changed token begins or ends. */
function pieces(line, tag, changes) {
  const end = line.start + line.text.length;
  const here = changes.filter(
    (change) => change.start <= end && change.start + change.token.length > line.start,
  );
  const cuts = new Set([0, line.text.length]);
  for (const [from, to] of line.marks) cuts.add(from).add(to);
  for (const change of here) {
    cuts.add(Math.max(change.start - line.start, 0));
    cuts.add(Math.min(change.start + change.token.length - line.start, line.text.length));
  }
  const places = [...cuts].sort((a, b) => a - b);
  const begun = new Set(); // a token is one stop of the tab key, whatever cuts it
  const made = places.slice(0, -1).map((from, number) => {
    const to = places[number + 1];
    const text = line.text.slice(from, to);
    const marked = line.marks.some((mark) => mark[0] <= from && to <= mark[1]);
    const change = here.find(
      (entry) =>
        entry.start - line.start <= from && to <= entry.start - line.start + entry.token.length,
    );
    const content = change ? changedToken(change, text, line, begun) : text;
    return marked ? element(tag, {}, content) : content;
  });
  // A token that starts with the line's end has nothing of its own to show on this line.
  const breaks = here.filter((change) => change.start === end && change.token.startsWith("\n"));
  return [...made, ...breaks.map((change) => changedToken(change, "↵", line, begun))];
}

function changedToken(change, text, line, begun) {
  const first = !begun.has(change) && change.start >= line.start;
  begun.add(change);
  if (!first) return element("span", { class: "change" }, text);
  const label = `${visible(change.token)}, changed from ${visible(change.lmToken)}`;
  const made = element(
    "span",
    { class: "change", tabindex: 0, role: "button", "aria-label": label, "aria-describedby": "popover" },
    text,
  );
  explain(made, () => neighbourNotes(change));
  return made;
}

/** What stands in the popover of a changed token. */
function neighbourNotes(change) {
  return [
    element(
      "p",
      {},
      `Token ${change.position + 1}: the LM wanted `,
      element("code", {}, visible(change.lmToken)),
      ", the datastore made it ",
      element("code", {}, visible(change.token)),
      change.tally === null ? "." : `: ${change.tally}.`,
    ),
    neighbourTable(change.neighbours),
  ];
}

function neighbourTable(neighbours) {
  if (neighbours.length === 0) return element("p", { class: "hint" }, "No neighbour was recorded.");
  const names = ["Neighbour", "Distance", "Source"];
  return element(
    "table",
    {},
    element("thead", {}, element("tr", {}, names.map((name) => element("th", { scope: "col" }, name)))),
    element(
      "tbody",
      {},
      neighbours.map(({ token, distance, source }) =>
        element(
          "tr",
          {},
          element("td", {}, element("code", {}, visible(token))),
          element("td", {}, distance),
          element("td", {}, source),
        ),
      ),
    ),
  );
}
