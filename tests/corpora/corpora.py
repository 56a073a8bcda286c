"""Small corpora for tests."""

from collections.abc import Iterable

from knm.corpora import CorpusRecord


def record(record_id: str, program: str = "print(1)", statement: str = "", **extras: object):
    """An ordinary record."""
    statement = statement or f"What {record_id} asks for."
    return CorpusRecord(record_id, statement, program, "lua", "test", extras)


def ids(records: Iterable[CorpusRecord]) -> list[str]:
    return [entry.id for entry in records]


LOOP = """\
local n = io.read("*n")
local total = 0
for i = 1, n do
  local v = io.read("*n")
  if v % 2 == 0 then total = total + v end
end
print(total)
"""
RENAMED_LOOP = LOOP.replace("total", "acc").replace(" v", " item").replace("n)", "count)")
OTHER = """\
local words = {}
for word in io.read("*l"):gmatch("%S+") do words[#words + 1] = word:upper() end
table.sort(words)
print(table.concat(words, " "))
"""
