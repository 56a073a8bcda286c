"""The report file: what pytest-json-report writes, with a top-level `knm` section."""

import ast
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from knm.codec import to_json
from knm.errors import UserError, named
from knm.jsonio import read_json
from knm.report.header import RunHeader, check_hashes
from knm.report.schema import ProblemResult, check_version, read_result
from knm.report.stream import is_stream, read_stream, refuse_unjudged, stream_path

STAGES: Final = ("setup", "call", "teardown")
_OF_WORKER: Final = re.compile(r"\A\[gw\d+\] .*(?:\n|\Z)")
"""What xdist writes before the text of each stage: which worker, and its interpreter's path."""

INTERRUPTED: Final = 2
"""pytest's exit status of a run that was cut short."""


@dataclass(frozen=True)
class Report:
    """One run, read back: `section` is the raw `knm` section, `results` are ordered by id."""

    path: Path
    configuration: dict[str, Any]
    hashes: dict[str, Any]
    results: tuple[ProblemResult, ...]
    section: dict[str, Any]

    @property
    def missing(self) -> int:
        """Problems that the run set out to do and has no result of."""
        return max(0, (self.section.get("selected") or 0) - len(self.results))


def name_of_test(question_id: str) -> str:
    """The name that a problem's test has in every report."""
    return f"bench/test_problems.py::test_problem[{question_id}]"


def judged_test(result: ProblemResult, failure_text: str) -> dict[str, Any]:
    """A judged problem as one test of a report, for runs that pytest does not drive."""
    faulty = result.verdict.is_infrastructure
    passed = {"duration": 0.0, "outcome": "passed"}
    failed = {"duration": 0.0, "outcome": "failed", "longrepr": failure_text}
    entry: dict[str, Any] = {
        "nodeid": name_of_test(result.question_id),
        "outcome": "error" if faulty else "passed" if result.accepted else "failed",
        "metadata": {"knm": to_json(result)},
        "setup": failed if faulty else passed,
    }
    if not faulty:
        entry["call"] = passed if result.accepted else failed
    return {**entry, "teardown": passed}


def portable_test(test: Mapping[str, Any]) -> dict[str, Any]:
    """A test of pytest-json-report without this machine's paths and what `metadata` says better.

    A problem's test has one name, whichever bench it is in and whatever pytest took for its root.
    """
    kept = {name: value for name, value in test.items() if name != "user_properties"}
    result = kept.get("metadata", {}).get("knm")
    if result:
        kept["nodeid"] = name_of_test(result["question_id"])
    for stage in STAGES:
        if stage in kept:
            kept[stage] = _portable_stage(kept[stage])
    return kept


def _portable_stage(stage: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: stage[name] for name in stage if name not in ("crash", "longrepr")}
    text = _OF_WORKER.sub("", stage.get("longrepr", ""))
    if stage.get("outcome") == "skipped":
        text = _reason(text)
    return {**kept, "longrepr": text} if text else kept


def _reason(skipped: str) -> str:
    """Why a test was skipped, of which pytest-json-report writes a tuple: file, line, reason."""
    try:
        told = ast.literal_eval(skipped)
    except (ValueError, SyntaxError):
        return skipped
    return str(told[-1]) if isinstance(told, tuple) and told else skipped


def build_document(
    header: RunHeader, tests: Sequence[Mapping[str, Any]], *, duration: float
) -> dict[str, Any]:
    """A whole report from its parts, as pytest-json-report and the plugin write one."""
    ordered = sorted(tests, key=lambda test: test["nodeid"])
    results = [read_result(test["metadata"]["knm"], test["nodeid"]) for test in ordered]
    outcomes = Counter(test["outcome"] for test in ordered)
    complete = header.selected in (None, len(ordered))
    return {
        "created": header.created + duration,
        "duration": duration,
        "exitcode": int("failed" in outcomes or "error" in outcomes) if complete else INTERRUPTED,
        "root": ".",
        "environment": {},
        "summary": {**outcomes, "total": len(ordered), "collected": header.selected},
        "tests": ordered,
        "knm": header.section(results),
    }


def finish_stream(path: Path) -> dict[str, Any]:
    """The report of a run that was killed, from its stream.

    Raises:
        UserError: the file is no stream, or has no header to tell what was run.
    """
    stream = read_stream(path)
    if stream.header is None:
        raise UserError(
            f"{path}: no header line, so nothing says what was run: the stream is of an older knm,"
            " or the run was killed before its first result; run the bench again"
        )
    return build_document(
        stream.header,
        stream.tests,
        duration=max(0.0, path.stat().st_mtime - stream.header.created),
    )


def load_report(path: str | Path, *, unjudged: bool = False) -> Report:
    """Read a report. Tests without `metadata.knm` (canaries of the same run) are passed over.

    With `unjudged` it may be of a run that only decoded: for those who need no verdict.

    Raises:
        UserError: the file is missing, cut short, not a report of ours, of a newer schema, has
            not been judged, or holds a malformed result or two of one problem.
    """
    path = Path(path)
    section, results = _read_current(path) or _read_at_length(path)
    configuration, hashes = section.get("configuration"), section.get("hashes")
    if not isinstance(configuration, dict) or not isinstance(hashes, dict):
        raise UserError(f"{path}: `knm` lacks `configuration` or `hashes`; run the bench again")
    check_hashes(hashes, str(path))
    found = _by_id(results, path)
    if not unjudged:
        for result in found:
            refuse_unjudged(result, path)
    return Report(path, configuration, hashes, found, section)


def _read_at_length(path: Path) -> tuple[dict[str, Any], Iterator[ProblemResult]]:
    """The section, and the results as they are asked for; says what is wrong."""
    document = _read(path)
    section = document.get("knm") if isinstance(document, dict) else None
    if not isinstance(section, dict) or not isinstance(document.get("tests"), list):
        raise UserError(
            f"{path}: not a knm report: no `knm` section beside `tests`; give a file that the "
            f"bench wrote with {named('results')}"
        )
    check_version(section.get("schema_version"), "knm.schema_version", str(path))
    return section, _results(document["tests"], path)


def _read_current(path: Path) -> tuple[dict[str, Any], Iterable[ProblemResult]] | None:
    """A report of today's schema, which is nearly every one; None where it has to be looked at."""
    from knm.report.reading import read_current  # here, as what it needs takes time to load

    if path.suffix == ".jsonl":
        return None
    try:
        return read_current(path.read_bytes(), str(path))
    except OSError:
        return None


def _read(path: Path) -> Any:
    if path.suffix == ".jsonl":
        raise UserError(
            f"{path}: a stream, not a report; make one of it with `knm report finish {path}`"
        )
    try:
        return read_json(path)
    except UserError as error:
        stream = stream_path(path)
        if not is_stream(stream):
            raise
        raise UserError(
            f"{error}; what the run had judged is in {stream}: `knm report finish {stream}` makes"
            " a report of it"
        ) from None


def _results(tests: Sequence[Any], path: Path) -> Iterator[ProblemResult]:
    for number, test in enumerate(tests):
        if not isinstance(test, dict):
            raise UserError(f"{path}: tests[{number}] is not a JSON object")
        metadata = test.get("metadata")
        if isinstance(metadata, dict) and "knm" in metadata:
            where = f"{path}: {test.get('nodeid', f'tests[{number}]')}"
            yield read_result(metadata["knm"], where)


def _by_id(results: Iterable[ProblemResult], path: Path) -> tuple[ProblemResult, ...]:
    found: dict[str, ProblemResult] = {}
    for result in results:
        if result.question_id in found:
            raise UserError(
                f"{path}: two results of problem {result.question_id};"
                " a report holds one run of one problem set"
            )
        found[result.question_id] = result
    return tuple(found[question_id] for question_id in sorted(found))
