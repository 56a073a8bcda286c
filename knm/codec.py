"""Records to plain JSON and back. A record is a dataclass; records may be nested in each other.

Written in the order of the fields, every field, with tuples as lists. Read by the types of the
fields: those with a default may be missing, those that are not known are passed over.
"""

import re
from collections.abc import Mapping
from dataclasses import fields
from enum import Enum
from typing import Any, Final, TypeVar

from knm.errors import UserError

T = TypeVar("T")

_PLACE: Final = re.compile(r"(?P<what>.*?)(?: - at `\$(?P<place>.*)`)?", re.DOTALL)
_MISSING: Final = re.compile(r"Object missing required field `(?P<name>.*)`", re.DOTALL)


def to_json(record: Any) -> Any:
    """A record as plain JSON; what is plain JSON already stays as it is."""
    # Not by msgspec, which leaves out the fields that had their default when it read the record.
    if isinstance(record, str | int | float | None):
        return record.value if isinstance(record, Enum) else record
    if isinstance(record, Mapping):
        return {to_json(name): to_json(value) for name, value in record.items()}
    if isinstance(record, list | tuple):
        return [to_json(value) for value in record]
    return {field.name: to_json(getattr(record, field.name)) for field in fields(record)}


def from_json(kind: type[T], value: Any, where: str, mend: str = "") -> T:
    """Read back what `to_json` gave of a record of `kind`.

    `where` names the value's place in errors, and `mend` what to do.

    Raises:
        UserError: a field is missing, has a wrong type, or a value that the record refuses.
    """
    import msgspec  # here, for those who only write records and start often

    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        complaint = _told(str(error))
    except (UnicodeEncodeError, RecursionError) as error:
        complaint = str(error)
    raise UserError(f"{where}: {complaint}{mend and f'; {mend}'}")


def _told(message: str) -> str:
    """A complaint of the library, with the field in front and in words of JSON."""
    found = _PLACE.fullmatch(message)
    assert found is not None
    what, place = found["what"], (found["place"] or "").removeprefix(".")
    missing = _MISSING.fullmatch(what)
    if missing is not None:
        return f"no `{'.'.join(filter(None, (place, missing['name'])))}`"
    told = what[:1].lower() + what[1:].replace("got", "found")
    return f"`{place}`: {told}" if place else told.replace("`object`", "a JSON object")
