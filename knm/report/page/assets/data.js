// What the page knows: the index at once, the programs when first asked for.

const index = JSON.parse(byId("page-data").textContent);
const problemNumbers = new Map(index.problems.map((problem, number) => [problem.id, number]));
let unpacked = null;

/** What the page knows of one problem: per run its facts, program and changes, or null. */
async function detailsOf(number) {
  unpacked ??= inflate(index.details).then(JSON.parse);
  const { programs, facts, changes, records } = await unpacked;
  return facts[number].map(
    (known, run) =>
      known && {
        ...known,
        program: programs[number][run],
        changes: changes[number][run].map((change) => readChange(change, records)),
      },
  );
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
  try {
    return problemNumbers.get(decodeURIComponent(hash.slice("#problem/".length))) ?? -1;
  } catch {
    return -1;
  }
}
