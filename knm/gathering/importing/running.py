"""From a source to a corpus: found, checked, matched with problems, cleaned, judged and written."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from knm.corpora import CorpusRecord, decontaminate, deduplicate, save_corpus
from knm.corpora.removal import Removal
from knm.corpora.similarity import check_threshold
from knm.corpora.statistics import Spread, lengths_by_source
from knm.errors import UserError, named
from knm.gathering.importing.checkout import Checkout
from knm.gathering.importing.codeforces import Codeforces
from knm.gathering.importing.files import TOO_LONG, check_encoding
from knm.gathering.importing.found import Found, Importer, Origin, Skips
from knm.gathering.importing.leetcode import LeetCode
from knm.gathering.importing.rosetta import Rosetta
from knm.gathering.importing.verifying import Verifying, check_compiling, match_problems, verify
from knm.journal import Journal, journal_path
from knm.jsonio import find_surrogate, write_jsonl
from knm.languages.descriptions import check_noted
from knm.outputs import Output, check_outputs
from knm.problems import ProblemSet, load_problems, problems_path
from knm.progress import progress_bar

IMPORTERS: Final[Mapping[str, Callable[[Origin], Importer]]] = {
    "codeforces": Codeforces,
    "github": Checkout,
    "leetcode": LeetCode,
    "rosetta": Rosetta,
}
"""Importers by what they read. One more is a class with the methods of `Importer`, and a row."""

_OF_SUBMISSIONS: Final = {
    "sources": "sources",
    "handles": "handle",
    "contests": "contest",
    "compilers": "compiler",
}
"""Fields of an origin that count for submissions alone, by the options that they are."""


@dataclass(frozen=True)
class ImportOptions:
    """What is imported, and what is kept of it.

    `kind` is one of `IMPORTERS`. Programs have `longest` characters at most. `problems` is the
    problem set that knows statements and tests; programs that fail its tests are left out, or kept
    with their outcomes if `failing`. Nothing is kept that is like a problem of `held_out`, or, with
    `distinct`, like an earlier record, each from a similarity of `threshold` on; with `described`,
    nothing without a statement. `skipped` is a file for what was left out, and why.
    """

    kind: str
    origin: Origin
    out: Path
    problems: str | None = None
    held_out: tuple[str, ...] = ()
    threshold: float = 0.8
    distinct: bool = True
    described: bool = False
    failing: bool = False
    longest: int = 20_000
    skipped: Path | None = None
    verifying: Verifying = field(default_factory=Verifying)
    overwrite: bool = False


@dataclass(frozen=True)
class Imported:
    """What came of it: of the programs `found`, `records` were written.

    `sources` hold the spread of the records' programs, in characters. `described` records have a
    statement, `licensed` a licence, `verified` pass the tests of their problem. `skipped` counts
    what was left out, by reason. `faults` programs were lost to the sandbox and are taken as
    they are: the same command judges them again.
    """

    found: int
    records: int
    sources: Mapping[str, Spread]
    described: int
    licensed: int
    verified: int
    licences: Mapping[str, int]
    skipped: Mapping[str, int]
    faults: int


def import_corpus(options: ImportOptions) -> Imported:
    """Write a corpus of what others have published; run it again to resume what was interrupted.

    What a server told and what programs were judged to be stays in a journal beside the corpus
    until that is written.

    Raises:
        UserError: something is missing or malformed, a file would be written over, a server is
            gone, or nothing is left to write.
    """
    check_noted(options.origin.language, named("language"))
    importer = _open(options)
    journal_file = journal_path(options.out)
    _check(options, importer, journal_file)
    problems = load_problems(options.problems) if options.problems else None
    held_out = [load_problems(name) for name in options.held_out]
    skips = Skips()
    with Journal(journal_file, "an import") as journal:
        with progress_bar(label="reading", unit="program") as bar:
            found = list(_sound(importer, journal, skips, options, bar.update))
        count = len(found)
        if problems is not None:
            found = match_problems(found, problems)
        records: Sequence[CorpusRecord] = [one.record for one in found]
        if options.described:
            records = _described(records, skips)
        compiled = check_compiling(records, options.verifying, journal, skips)
        records = _without_held_out(compiled.records, held_out, options.threshold, skips)
        records, lost = _verified(records, problems, options, journal, skips)
        lost |= compiled.lost
        if options.distinct and records:
            cleaned = deduplicate(records, threshold=options.threshold)
            _note_removed(cleaned.removed, "duplicate", skips)
            records = cleaned.kept
        if options.skipped:
            write_jsonl(options.skipped, (entry.to_json() for entry in skips.entries))
        if not records:
            if not len(journal):
                journal_file.unlink()
            reasons = ", ".join(f"{reason} {number}" for reason, number in skips.reasons.items())
            raise UserError(
                f"{' '.join(options.origin.places)}: nothing to import: {count} programs found"
                + (f"; left out: {reasons}" if reasons else "")
            )
        save_corpus(options.out, records)
    if not lost:
        journal_file.unlink()
    licences = Counter(str(one.extras["licence"]) for one in records if "licence" in one.extras)
    return Imported(
        found=count,
        records=len(records),
        sources=lengths_by_source(records),
        described=sum(bool(record.statement.strip()) for record in records),
        licensed=licences.total(),
        verified=sum(record.extras.get("verified") is True for record in records),
        licences=dict(licences.most_common()),
        skipped=skips.reasons,
        faults=len(lost),
    )


def _open(options: ImportOptions) -> Importer:
    if options.kind not in IMPORTERS:
        raise UserError(f"unknown source {options.kind!r}; choose from {', '.join(IMPORTERS)}")
    check_threshold(options.threshold)
    check_encoding(options.origin.encoding, named("encoding"))
    opener = IMPORTERS[options.kind]
    if opener is not Codeforces:
        for name, option in _OF_SUBMISSIONS.items():
            if getattr(options.origin, name):
                raise UserError(f"{named(option)}: is of submissions, not of {options.kind}")
    if not options.origin.places:
        raise UserError("name what is imported: a folder, a file or an address")
    return opener(options.origin)


def _check(options: ImportOptions, importer: Importer, journal_file: Path) -> None:
    """See that no input is written over, nor a folder that is read written into."""
    out = options.out
    if not out.name.endswith((".jsonl", ".jsonl.gz")):
        raise UserError(f"{named('out')} {out}: a corpus is a .jsonl or .jsonl.gz file")
    sets = [problems_path(name) for name in (options.problems, *options.held_out) if name]
    skipped = (options.skipped,) if options.skipped else ()
    written = [Output(named("out"), (out,)), Output(named("skipped"), skipped)]
    check_outputs(written, (*importer.inputs, *sets), overwrite=options.overwrite)
    check_outputs([*written, Output(named("out"), (journal_file,))], (*importer.inputs, *sets))
    for folder in filter(Path.is_dir, importer.inputs):
        for file in (out, *skipped):
            if folder.resolve() in file.resolve().parents:
                raise UserError(f"{file} lies in {folder}, which is read; give another folder")


def _sound(
    importer: Importer,
    journal: Journal,
    skips: Skips,
    options: ImportOptions,
    tick: Callable[[], object],
) -> Iterable[Found]:
    """What is found that a corpus can hold."""
    seen: set[str] = set()
    for found in importer.find(skips, journal):
        tick()
        record = found.record
        length = len(record.program)
        if not record.program.strip():
            skips.note(record.id, "empty")
        elif length > options.longest:
            skips.note(record.id, TOO_LONG, f"{length:,} characters")
        elif find_surrogate(record.to_json()):
            # A name of a file that is not UTF-8 comes as that.
            shown = record.id.encode(errors="backslashreplace").decode()
            skips.note(shown, "bad encoding", "its name, or what is told of it")
        elif record.id in seen:
            skips.note(record.id, "its name stands twice")
        else:
            seen.add(record.id)
            yield replace(found, record=replace(record, program=record.program.rstrip() + "\n"))


def _described(records: Sequence[CorpusRecord], skips: Skips) -> list[CorpusRecord]:
    for record in records:
        if not record.statement.strip():
            skips.note(record.id, "no statement")
    return [record for record in records if record.statement.strip()]


def _without_held_out(
    records: Sequence[CorpusRecord], held_out: Iterable[ProblemSet], threshold: float, skips: Skips
) -> Sequence[CorpusRecord]:
    for problem_set in held_out:
        cleaned = decontaminate(records, problem_set, threshold=threshold)
        _note_removed(cleaned.removed, "like a held-out problem", skips)
        records = cleaned.kept
    return records


def _verified(
    records: Sequence[CorpusRecord],
    problems: ProblemSet | None,
    options: ImportOptions,
    journal: Journal,
    skips: Skips,
) -> tuple[Sequence[CorpusRecord], frozenset[str]]:
    """The records with what tests say of them, and the ids of those that the sandbox lost."""
    if problems is None:
        return records, frozenset()
    verified = verify(records, problems, options.verifying, journal)
    if options.failing:
        return verified.records, verified.lost
    for record in verified.records:
        if record.outcome is not None:
            skips.note(
                record.id, f"fails its tests: {record.outcome.verdict}", record.outcome.message
            )
    return [record for record in verified.records if record.passed], verified.lost


def _note_removed(removed: Iterable[Removal], reason: str, skips: Skips) -> None:
    for removal in removed:
        skips.note(
            removal.record,
            reason,
            f"{removal.reason}, as {removal.other} (similarity {removal.similarity:.2f})",
        )
