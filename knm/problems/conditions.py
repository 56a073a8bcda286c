"""Conditions on a problem's fields, as `--where` takes them.

    difficulty==easy and contest_date>=2024-06
    not (difficulty in (hard, 'very hard')) and dp in tags

A comparison has a field on its left: `==`, `!=`, `<`, `<=`, `>`, `>=` and a value, or `in` and
values in brackets; `VALUE in FIELD` asks a field that is a list. `not` binds closest, then `and`,
then `or`. Values need quotes only where they hold a space, a bracket, a comma, a quote or an
operator. What a value is, the field decides: numbers are compared as numbers, text as text. A date
in a field is compared as far as the value goes, so that `contest_date<=2024-06` takes all of June.
`null` is the value of a field that a problem does not have.
"""

import operator
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from knm.errors import UserError, named

_COMPARISONS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_WORDS: Final = ("and", "or", "not", "in")
_TOKEN: Final = re.compile(
    r"""\s*(?:
        (?P<symbol>==|!=|<=|>=|[<>(),])
      | '(?P<single>(?:[^'\\]|\\.)*)'
      | "(?P<double>(?:[^"\\]|\\.)*)"
      | (?P<word>[^\s()<>=!,'"]+)
    )""",
    re.VERBOSE | re.DOTALL,
)
_DATE: Final = re.compile(r"\d{4}(-\d\d(-\d\d)?)?")
_DATED: Final = re.compile(r"\d{4}-\d\d-\d\d(?!\d)")
_MOST_DEPTH: Final = 50


class Condition(Protocol):
    """A condition, parsed."""

    def fields(self) -> Iterator[str]:
        """The fields that it asks for."""

    def holds(self, values: Mapping[str, Any]) -> bool:
        """Whether it holds of a problem's fields.

        Raises:
            UserError: a field holds what the value cannot be compared with.
        """


@dataclass(frozen=True)
class Value:
    """A value as it was written; one in quotes is text and nothing else."""

    text: str
    quoted: bool = False

    @property
    def is_null(self) -> bool:
        """Whether it stands for a field that is not there."""
        return self.text == "null" and not self.quoted


@dataclass(frozen=True)
class Comparison:
    """A field and a value."""

    field: str
    symbol: str
    value: Value

    def fields(self) -> Iterator[str]:
        """See `Condition`."""
        yield self.field

    def holds(self, values: Mapping[str, Any]) -> bool:
        """See `Condition`."""
        found = values.get(self.field)
        if found is None or self.value.is_null:
            same = found is None and self.value.is_null
            return {"==": same, "!=": not same}.get(self.symbol, False)
        return _COMPARISONS[self.symbol](*_alike(self.field, found, self.value))


@dataclass(frozen=True)
class OneOf:
    """Whether a field is one of some values."""

    field: str
    choices: tuple[Value, ...]

    def fields(self) -> Iterator[str]:
        """See `Condition`."""
        yield self.field

    def holds(self, values: Mapping[str, Any]) -> bool:
        """See `Condition`."""
        return any(Comparison(self.field, "==", choice).holds(values) for choice in self.choices)


@dataclass(frozen=True)
class Contains:
    """Whether a field that is a list holds a value."""

    field: str
    value: Value

    def fields(self) -> Iterator[str]:
        """See `Condition`."""
        yield self.field

    def holds(self, values: Mapping[str, Any]) -> bool:
        """See `Condition`."""
        found = values.get(self.field)
        if found is None:
            return False
        if not isinstance(found, list | tuple):
            raise _mismatch(self.field, found, f"is no list: write {self.field}=={self.value.text}")
        return any(Comparison("item", "==", self.value).holds({"item": item}) for item in found)


@dataclass(frozen=True)
class Negation:
    """What a condition is not."""

    inner: Condition

    def fields(self) -> Iterator[str]:
        """See `Condition`."""
        return self.inner.fields()

    def holds(self, values: Mapping[str, Any]) -> bool:
        """See `Condition`."""
        return not self.inner.holds(values)


@dataclass(frozen=True)
class Several:
    """All of some conditions, or any of them."""

    parts: tuple[Condition, ...]
    all_of: bool

    def fields(self) -> Iterator[str]:
        """See `Condition`."""
        for part in self.parts:
            yield from part.fields()

    def holds(self, values: Mapping[str, Any]) -> bool:
        """See `Condition`."""
        join = all if self.all_of else any
        return join(part.holds(values) for part in self.parts)


def parse_condition(text: str) -> Condition:
    """Read a condition.

    Raises:
        UserError: it is none; the message says where.
    """
    return _Parser(text).whole()


@dataclass(frozen=True)
class _Token:
    text: str
    start: int
    kind: str

    @property
    def is_value(self) -> bool:
        return self.kind == "quoted" or (self.kind == "word" and self.text not in _WORDS)

    @property
    def value(self) -> Value:
        return Value(self.text, self.kind == "quoted")


class _Parser:
    """Recursive descent: one method for each level of binding."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = self._split()
        self._at = 0
        self._depth = 0

    def whole(self) -> Condition:
        found = self._any_of()
        if self._next.kind != "end":
            raise self._error("expected `and`, `or` or the end")
        return found

    def _split(self) -> list[_Token]:
        tokens, at, end = [], 0, len(self._text.rstrip())
        while at < end:
            match = _TOKEN.match(self._text, at)
            if match is None:
                start = at + len(self._text[at:]) - len(self._text[at:].lstrip())
                raise self._error("not a condition from here", start)
            kind = str(match.lastgroup)
            text = match[kind]
            if kind in ("single", "double"):
                kind, text = "quoted", re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL)
            tokens.append(_Token(text, match.start(match.lastgroup or 0), kind))
            at = match.end()
        return [*tokens, _Token("", end, "end")]

    @property
    def _next(self) -> _Token:
        return self._tokens[self._at]

    def _takes(self, *texts: str) -> str | None:
        """The next token's text if it is one of these and no quoted value; it is then passed."""
        token = self._next
        if token.kind in ("symbol", "word") and token.text in texts:
            self._at += 1
            return token.text
        return None

    def _any_of(self) -> Condition:
        return self._joined("or", self._all_of, all_of=False)

    def _all_of(self) -> Condition:
        return self._joined("and", self._negated, all_of=True)

    def _joined(self, word: str, read: Callable[[], Condition], *, all_of: bool) -> Condition:
        parts = [read()]
        while self._takes(word):
            parts.append(read())
        return parts[0] if len(parts) == 1 else Several(tuple(parts), all_of)

    def _negated(self) -> Condition:
        self._depth += 1
        if self._depth > _MOST_DEPTH:
            raise self._error("nested too deep")
        if self._takes("not"):
            found: Condition = Negation(self._negated())
        elif self._takes("("):
            found = self._any_of()
            if not self._takes(")"):
                raise self._error("expected `)`")
        else:
            found = self._comparison()
        self._depth -= 1
        return found

    def _comparison(self) -> Condition:
        left = self._operand("a field, such as difficulty==easy")
        if symbol := self._takes(*_COMPARISONS):
            return Comparison(left.text, symbol, self._operand("a value").value)
        negated = self._takes("not") is not None
        if not self._takes("in"):
            raise self._error(f"expected one of {' '.join(_COMPARISONS)} in")
        found: Condition
        if self._takes("("):
            choices = [self._operand("a value").value]
            while self._takes(","):
                choices.append(self._operand("a value").value)
            if not self._takes(")"):
                raise self._error("expected `,` or `)`")
            found = OneOf(left.text, tuple(choices))
        else:
            found = Contains(self._operand("a field, or values in brackets").text, left.value)
        return Negation(found) if negated else found

    def _operand(self, what: str) -> _Token:
        token = self._next
        if not token.is_value:
            raise self._error(f"expected {what}")
        self._at += 1
        return token

    def _error(self, what: str, start: int | None = None) -> UserError:
        where = self._next.start if start is None else start
        rest = self._text[where : where + 20].strip()
        place = f"before {rest!r}" if rest else "at its end"
        hint = "; write == to compare" if rest.startswith("=") else ""
        return UserError(f"{named('where')} {self._text!r}, {place}: {what}{hint}")


def _alike(field: str, found: Any, value: Value) -> tuple[Any, Any]:
    """What a field holds and the value that it is compared with, of one type."""
    if isinstance(found, bool):
        if value.quoted or value.text not in ("true", "false"):
            raise _mismatch(field, found, f"is true or false, and {value.text!r} is neither")
        return found, value.text == "true"
    if isinstance(found, int | float):
        number = None if value.quoted else _number(value.text)
        if number is None:
            raise _mismatch(field, found, f"is a number, and {value.text!r} is none")
        return found, number
    if isinstance(found, str):
        if not value.quoted and _DATE.fullmatch(value.text) and _DATED.match(found):
            return found[: len(value.text)], value.text
        return found, value.text
    mend = f"write {value.text} in {field}" if isinstance(found, list | tuple) else "name another"
    raise _mismatch(field, found, f"cannot be compared: {mend}")


def _number(text: str) -> int | float | None:
    for read in (int, float):
        try:
            return read(text)
        except ValueError:
            continue
    return None


def _mismatch(field: str, found: Any, why: str) -> UserError:
    return UserError(f"{named('where')}: field {field!r}, of one problem {found!r:.60}, {why}")


def unknown_fields(condition: Condition, known: Sequence[str]) -> list[str]:
    """The fields that a condition asks for and nobody has, in order of mention."""
    return [name for name in dict.fromkeys(condition.fields()) if name not in known]
