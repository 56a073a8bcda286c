"""The report file: what pytest-json-report writes, with a top-level `knm` section."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from knm.errors import UserError
from knm.jsonio import read_json
from knm.report.schema import SCHEMA_VERSION, ProblemResult
from knm.report.stream import stream_path
from knm.report.summary import summarize

REQUIRED_HASHES: Final = ("problem_set", "prompt")
"""Without these nobody could say which runs may be compared."""


@dataclass(frozen=True)
class Report:
    """One run, read back: `section` is the raw `knm` section, `results` are ordered by id."""

    path: Path
    configuration: dict[str, Any]
    hashes: dict[str, Any]
    results: tuple[ProblemResult, ...]
    section: dict[str, Any]


def knm_section(
    configuration: Mapping[str, Any],
    results: Sequence[ProblemResult],
    *,
    hashes: Mapping[str, Any],
    environment: Mapping[str, Any],
) -> dict[str, Any]:
    """The top-level `knm` section of a report, plain JSON.

    `configuration` is the run's in full, with `language`, `limits` and `max_new_tokens` at its top;
    `hashes` has at least `problem_set` and `prompt`; `environment` is that of `environment_info`.
    Times are in `throughput` alone, so the rest is the same for identical runs on one machine.
    """
    missing = [name for name in REQUIRED_HASHES if not hashes.get(name)]
    assert not missing, f"a report needs the hashes {missing}"
    totals = summarize(results)
    return {
        "schema_version": SCHEMA_VERSION,
        "configuration": dict(configuration),
        "hashes": dict(hashes),
        "totals": totals.to_json(),
        "throughput": totals.throughput.to_json(),
        "environment": dict(environment),
    }


def load_report(path: str | Path) -> Report:
    """Read a report. Tests without `metadata.knm` (canaries of the same run) are passed over.

    Raises:
        UserError: the file is missing, cut short, not a report of ours, of a newer schema, or
            holds a malformed result or two of one problem.
    """
    path = Path(path)
    document = _read(path)
    section = document.get("knm") if isinstance(document, dict) else None
    if not isinstance(section, dict) or not isinstance(document.get("tests"), list):
        raise UserError(
            f"{path}: not a knm report: no `knm` section beside `tests`;"
            " give a file that the bench wrote with --results"
        )
    _check_version(section, path)
    configuration, hashes = section.get("configuration"), section.get("hashes")
    if not isinstance(configuration, dict) or not isinstance(hashes, dict):
        raise UserError(f"{path}: `knm` lacks `configuration` or `hashes`; run the bench again")
    for name in REQUIRED_HASHES:
        if not hashes.get(name):
            raise UserError(f"{path}: `knm.hashes` lacks `{name}`; run the bench again")
    return Report(path, configuration, hashes, _results(document["tests"], path), section)


def _read(path: Path) -> Any:
    try:
        return read_json(path)
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}; give a report file") from None
    except UserError as error:
        stream = stream_path(path)
        if not path.exists() or not stream.exists():
            raise
        raise UserError(f"{error}; what the run had judged is in {stream}") from None


def _check_version(section: Mapping[str, Any], path: Path) -> None:
    version = section.get("schema_version")
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise UserError(f"{path}: not a knm report: `knm.schema_version` is {version!r}")
    if version > SCHEMA_VERSION:
        raise UserError(
            f"{path}: written by a newer knm (report schema {version}, this one reads up to"
            f" {SCHEMA_VERSION}); upgrade knm to read it"
        )


def _results(tests: Sequence[Any], path: Path) -> tuple[ProblemResult, ...]:
    found: dict[str, ProblemResult] = {}
    for number, test in enumerate(tests):
        if not isinstance(test, dict):
            raise UserError(f"{path}: tests[{number}] is not a JSON object")
        metadata = test.get("metadata")
        if not isinstance(metadata, dict) or "knm" not in metadata:
            continue
        result = ProblemResult.from_json(
            metadata["knm"], f"{path}: {test.get('nodeid', f'tests[{number}]')}"
        )
        if result.question_id in found:
            raise UserError(
                f"{path}: two results of problem {result.question_id};"
                " a report holds one run of one problem set"
            )
        found[result.question_id] = result
    return tuple(found[question_id] for question_id in sorted(found))
