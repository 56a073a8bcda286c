"""Reading reports of the current schema fast: changed tokens, their bulk, are left unread until
somebody asks for them.
"""

import gc
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any, TypeVar, cast

import msgspec

from knm.codec import from_json
from knm.records import Completion, Interventions, TokenChange
from knm.report.schema import SCHEMA_VERSION, ProblemResult, Sample

T = TypeVar("T")


class UnreadInterventions(Interventions):
    """Interventions whose `changes` are still JSON; equal to those that are read.

    Raises:
        UserError: when the changes are asked for, and are malformed.
    """

    def __getattr__(self, name: str) -> Any:
        # Only asked where there is no such attribute yet.
        if name != "changes":
            raise AttributeError(name)
        state = vars(self)
        kind = tuple[TokenChange, ...]
        state["changes"] = _read(kind, state["_unread"], f"{state['_where']}: changes")
        return state["changes"]

    def each_change(self) -> Iterator[TokenChange]:
        """The changes in their order, each read when it is asked for."""
        state = vars(self)
        if "changes" in state:
            return iter(self.changes)
        where = f"{state['_where']}: changes"
        unread = _read(list[msgspec.Raw], state["_unread"], where)
        return (
            _read(TokenChange, each, f"{where}[{number}]") for number, each in enumerate(unread)
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Interventions) and _values(self) == _values(other)

    def __hash__(self) -> int:
        return hash(_values(self))

    @classmethod
    def of(cls, decoded: "_Interventions", where: str) -> "UnreadInterventions":
        """What was decoded but for its changes; `where` names its place in errors."""
        made = cls.__new__(cls)
        told = dict(vars(decoded))
        unread = told.pop("changes")
        vars(made).update(told, _unread=unread, _where=where)
        return made


def _read(kind: type[T], unread: msgspec.Raw, where: str) -> T:
    try:
        return msgspec.json.decode(unread, type=kind)
    except msgspec.ValidationError:  # told in our words
        value = msgspec.json.decode(unread)
        return from_json(kind, value, where, "was the file edited by hand?")


def _values(record: Interventions) -> tuple[Any, ...]:
    return tuple(getattr(record, each.name) for each in fields(Interventions))


@dataclass(frozen=True)
class _Interventions(Interventions):
    changes: msgspec.Raw  # type: ignore[assignment]


@dataclass(frozen=True)
class _Completion(Completion):
    interventions: _Interventions | None


@dataclass(frozen=True)
class _Sample(Sample):
    completion: _Completion | None


@dataclass(frozen=True)
class _Result(ProblemResult):
    samples: tuple[_Sample, ...]


class _Metadata(msgspec.Struct):
    knm: _Result | msgspec.UnsetType = msgspec.UNSET


class _Test(msgspec.Struct):
    nodeid: str
    metadata: _Metadata | msgspec.UnsetType = msgspec.UNSET


class _Document(msgspec.Struct):
    knm: dict[str, Any]
    tests: list[_Test]


def read_current(content: bytes, name: str) -> tuple[dict[str, Any], list[ProblemResult]] | None:
    """The `knm` section of a report and its results in their order; `name` is the file's.

    None of a report of an older schema, of none, or with anything else that is not as it should
    be: whoever reads it at length will say it.
    """
    collecting = gc.isenabled()
    gc.disable()  # looking for garbage among what is made, and stays, took a sixth of the time
    try:
        document = msgspec.json.decode(content, type=_Document)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    finally:
        if collecting:
            gc.enable()
    if document.knm.get("schema_version") != SCHEMA_VERSION:
        return None
    return document.knm, [
        _result(test.metadata.knm, f"{name}: {test.nodeid}")
        for test in document.tests
        if test.metadata is not msgspec.UNSET and test.metadata.knm is not msgspec.UNSET
    ]


def _result(decoded: _Result, where: str) -> ProblemResult:
    samples = tuple(_sample(each, where) for each in decoded.samples)
    return ProblemResult(**{**vars(decoded), "samples": samples})


def _sample(decoded: _Sample, where: str) -> Sample:
    return Sample(**{**vars(decoded), "completion": _completion(decoded.completion, where)})


def _completion(decoded: _Completion | None, where: str) -> Completion | None:
    if decoded is None:
        return None
    done = decoded.interventions
    unread = None if done is None else UnreadInterventions.of(done, where)
    return Completion(**{**vars(decoded), "interventions": cast("Interventions | None", unread)})
