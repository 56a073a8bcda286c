// What the page knows: the index at once, the programs when first asked for.

const index = JSON.parse(byId("page-data").textContent);
const problemNumbers = new Map(index.problems.map((problem, number) => [problem.id, number]));
let unpacked = null;

/** What the page knows of one problem: what was asked, and per run its samples, or null. */
async function detailsOf(number) {
  unpacked ??= inflate(index.details).then(JSON.parse);
  const { asked, programs, facts, evidence, changes, texts, records } = await unpacked;
  return {
    asked: asked[number],
    results: facts[number].map(
      (samples, run) =>
        samples &&
        samples.map((known, sample) => ({
          ...known,
          program: programs[number][run][sample],
          evidence: readEvidence(evidence[number][run][sample], texts),
          changes: changes[number][run][sample].map((change) => readChange(change, records)),
        })),
    ),
  };
}

function readEvidence(numbers, texts) {
  if (numbers === null) return null;
  const [input, expected, got, stderr] = numbers.map((at) => (at === null ? null : texts[at]));
  return { input, expected, got, stderr };
}

function readChange([position, lmToken, token, start, neighbours, tally = null], records) {
  return {
    position,
    lmToken,
    token,
    start,
    tally,
    neighbours: neighbours.map(([near, distance, record, offset]) => ({
      token: near,
      distance,
      source: `${records[record]}, token ${offset}`,
    })),
  };
}

async function inflate(base64) {
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return new Response(stream).text();
}

function permalink(id) {
  // A lone surrogate has no percent form.
  return "#problem/" + encodeURIComponent(id.toWellFormed?.() ?? id);
}

/** The number of the problem that an address names; -1 for an unknown one, null for none. */
function problemOf(hash) {
  if (!hash.startsWith("#problem/")) return null;
  const [name] = hash.slice("#problem/".length).split("?");
  try {
    return problemNumbers.get(decodeURIComponent(name)) ?? -1;
  } catch {
    return -1;
  }
}
