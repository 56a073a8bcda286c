// Differences of two texts, first by lines, then inside the lines that changed.

const MOST_CELLS = 4_000_000; // of the table of a comparison; beyond it all counts as changed
const ALIKE = 0.4; // share of words in common from which on two lines are compared by words

/** Pairs [i, j] of a longest common subsequence of two lists. */
function commonPairs(a, b) {
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) head += 1;
  let tail = 0;
  const room = Math.min(a.length, b.length) - head;
  while (tail < room && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail += 1;
  const pairs = [];
  for (let i = 0; i < head; i += 1) pairs.push([i, i]);
  for (const [i, j] of middlePairs(a.slice(head, a.length - tail), b.slice(head, b.length - tail))) {
    pairs.push([i + head, j + head]);
  }
  for (let i = tail; i > 0; i -= 1) pairs.push([a.length - i, b.length - i]);
  return pairs;
}

function middlePairs(a, b) {
  const width = b.length + 1;
  if ((a.length + 1) * width > MOST_CELLS) return [];
  const longest = new Uint32Array((a.length + 1) * width); // of what follows i and j
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) {
      longest[i * width + j] =
        a[i] === b[j]
          ? longest[(i + 1) * width + j + 1] + 1
          : Math.max(longest[(i + 1) * width + j], longest[i * width + j + 1]);
    }
  }
  const pairs = [];
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    if (a[i] === b[j]) pairs.push([i++, j++]);
    else if (longest[(i + 1) * width + j] >= longest[i * width + j + 1]) i += 1;
    else j += 1;
  }
  return pairs;
}

/**
 * Rows of a side-by-side view. A row is {same, left, right}; a side is null where the other text
 * alone has lines, else {number, text, start, marks}: the line's number from 1, where it starts in
 * the text, and the [from, to) ranges of it that the other side lacks.
 */
function diffRows(leftText, rightText) {
  const left = linesOf(leftText);
  const right = linesOf(rightText);
  const rows = [];
  let i = 0;
  let j = 0;
  const pairs = commonPairs(
    left.map((line) => line.text),
    right.map((line) => line.text),
  );
  for (const [nextLeft, nextRight] of [...pairs, [left.length, right.length]]) {
    while (i < nextLeft || j < nextRight) {
      rows.push(changedRow(i < nextLeft ? left[i++] : null, j < nextRight ? right[j++] : null));
    }
    if (i < left.length && j < right.length) {
      rows.push({ same: true, left: left[i++], right: right[j++] });
    }
  }
  return rows;
}

function linesOf(text) {
  let start = 0;
  return text.split("\n").map((line, index) => {
    const made = { number: index + 1, text: line, start, marks: [] };
    start += line.length + 1;
    return made;
  });
}

function changedRow(left, right) {
  if (left === null || right === null) return { same: false, left, right };
  const [leftMarks, rightMarks] = wordMarks(left.text, right.text);
  return {
    same: false,
    left: { ...left, marks: leftMarks },
    right: { ...right, marks: rightMarks },
  };
}

/** What each of two lines has alone; nothing is marked where they have little in common. */
function wordMarks(leftText, rightText) {
  const left = wordsOf(leftText);
  const right = wordsOf(rightText);
  const pairs = commonPairs(left, right);
  const shared = pairs.filter(([i]) => left[i].trim() !== "").length;
  const solid = (words) => words.filter((word) => word.trim() !== "").length;
  if (shared < ALIKE * Math.max(solid(left), solid(right))) return [[], []];
  return [
    rangesWithout(left, new Set(pairs.map(([i]) => i))),
    rangesWithout(right, new Set(pairs.map(([, j]) => j))),
  ];
}

function wordsOf(text) {
  return text.match(/\w+|\s+|[^\w\s]/gu) ?? [];
}

function rangesWithout(words, kept) {
  const ranges = [];
  let at = 0;
  words.forEach((word, number) => {
    const last = ranges.at(-1);
    if (!kept.has(number)) {
      if (last && last[1] === at) last[1] = at + word.length;
      else ranges.push([at, at + word.length]);
    }
    at += word.length;
  });
  return ranges;
}
