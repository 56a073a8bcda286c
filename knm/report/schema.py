"""One problem's outcome as reports and streams hold it. Knows nothing of the file around it."""

from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields
from types import UnionType
from typing import Any, Final, get_args, get_origin, get_type_hints

from knm.errors import UserError
from knm.sandbox import Verdict

SCHEMA_VERSION: Final = 2
"""Version of the `knm` section and of `ProblemResult`; grows when an older reader would misread."""

CONTEXT: Final = "context"
"""Error class and finish reason where a prompt is longer than the model's context."""

KNN_COUNTS: Final = ("steps", "searched", "argmax_changes")


def check_version(version: Any, name: str, where: str) -> None:
    """Refuse what this version cannot read; `name` is the field that says so.

    Raises:
        UserError: it is of a newer schema, or of none.
    """
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise UserError(f"{where}: not a knm report: `{name}` is {version!r}")
    if version > SCHEMA_VERSION:
        raise UserError(
            f"{where}: written by a newer knm (report schema {version}, this one reads up to"
            f" {SCHEMA_VERSION}); upgrade knm to read it"
        )


@dataclass(frozen=True)
class ProblemResult:
    """What became of one problem: the test's `metadata.knm`.

    Infrastructure verdicts are results too; what never came to be is then None or 0.
    `generation_seconds` is the problem's share of its batch, so that the sum is the engine's time.
    `tests_passed` counts the tests before the first failing one.
    `knn` is None without retrieval, else `steps` and of those how many `searched`, the number of
    `argmax_changes`, and `changes`: the engine's records of the first of these, in their order;
    perhaps `weights`: the numbers of searched steps by weight, in equal parts of 0 to 1; and
    `withheld`: why the datastore was not used for this problem, None if it was.
    `samples` holds every one of several completions with its own verdict; the other fields are then
    the first sample's (or the first faulty one's), `completion_tokens` and times are sums.
    `errata` is what is known to be wrong with the problem itself, None if nothing is.
    """

    question_id: str
    completion: str | None
    program: str | None
    verdict: Verdict
    error_class: str | None
    message: str
    failing_test: int | None
    tests_passed: int
    tests_total: int
    lenient_accepted: bool
    prompt_tokens: int
    completion_tokens: int
    finish_reason: str | None
    generation_seconds: float
    judge_seconds: float
    knn: dict[str, Any] | None
    samples: list[dict[str, Any]] = field(default_factory=list)
    errata: str | None = None

    @property
    def accepted(self) -> bool:
        """Whether the program passed every test."""
        return self.verdict is Verdict.ACCEPTED

    def to_json(self) -> dict[str, Any]:
        """The result as plain JSON."""
        return {**asdict(self), "verdict": self.verdict.value}

    def to_sample(self) -> dict[str, Any]:
        """The result as one entry of another's `samples`."""
        value = self.to_json()
        return {name: value[name] for name in value if name not in _OF_THE_PROBLEM}

    @classmethod
    def from_json(cls, value: Any, where: str) -> "ProblemResult":
        """Read a result of this schema or an older one back; unknown fields are ignored.

        `where` names its place in errors.

        Raises:
            UserError: a field is missing or has a wrong type, or the verdict is unknown.
        """
        if not isinstance(value, Mapping):
            raise UserError(f"{where}: expected a JSON object, found {type(value).__name__}")
        found: dict[str, Any] = {}
        for name, hint in _HINTS.items():
            if name not in value and name in _OPTIONAL:
                continue
            if name not in value:
                raise UserError(f"{where}: no `{name}`; was the file edited by hand?")
            found[name] = value[name]
            if not _conforms(value[name], str if hint is Verdict else hint):
                raise UserError(f"{where}: `{name}` is not {_name(hint)}: {value[name]!r:.80}")
        try:
            found["verdict"] = Verdict(found["verdict"])
        except ValueError:
            known = ", ".join(Verdict)
            raise UserError(
                f"{where}: unknown verdict {found['verdict']!r}; known are {known}"
            ) from None
        if found["knn"] is not None:
            found["knn"] = _read_knn(found["knn"], where)
        return cls(**found)


_HINTS: Final = {
    field.name: get_type_hints(ProblemResult)[field.name] for field in fields(ProblemResult)
}

_OPTIONAL: Final = frozenset(
    field.name
    for field in fields(ProblemResult)
    if field.default_factory is not MISSING or field.default is not MISSING
)
"""Added since the first reports were written: what lacks them is still read."""

_OF_THE_PROBLEM: Final = frozenset({"question_id", "samples", "errata"})


def _read_knn(value: dict[str, Any], where: str) -> dict[str, Any]:
    """Check what retrieval did; schema 1 kept the first change alone."""
    for name in KNN_COUNTS:
        if not _conforms(value.get(name), int):
            raise UserError(f"{where}: `knn.{name}` is not an integer")
    if "changes" not in value:
        older = {name: value[name] for name in value if name != "first_change"}
        first = value.get("first_change")
        value = {**older, "changes": [] if first is None else [first]}
    if not _conforms(value.get("withheld"), str | None):
        raise UserError(f"{where}: `knn.withheld` is not a text or null")
    changes = value["changes"]
    if not isinstance(changes, list) or not all(isinstance(change, dict) for change in changes):
        raise UserError(f"{where}: `knn.changes` is not a list of objects")
    return value


def _conforms(value: Any, hint: Any) -> bool:
    """Whether a JSON value fits a field's type. A float may be written as an integer."""
    options = get_args(hint) if isinstance(hint, UnionType) else (hint,)
    kinds = tuple(get_origin(option) or option for option in options)
    if isinstance(value, bool):  # else True would pass for an integer
        return bool in kinds
    return isinstance(value, kinds) or (float in kinds and isinstance(value, int))


def _name(hint: Any) -> str:
    return hint.__name__ if isinstance(hint, type) else str(hint)
