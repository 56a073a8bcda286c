// Building elements. Text is only ever set as text, never parsed.

/** An element with attributes (null leaves one out) and children: nodes, text, or lists of these. */
function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "class") made.className = value;
    else made.setAttribute(name, value === true ? "" : String(value));
  }
  made.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
  return made;
}

function byId(id) {
  return document.getElementById(id);
}

/** A token as one visible word: what is not printed is named. */
function visible(token) {
  const shown = token
    .replaceAll("\n", "↵")
    .replaceAll("\t", "⇥")
    .replaceAll("\r", "␍")
    .replaceAll(" ", "␣");
  return shown === "" ? "(nothing)" : shown;
}
