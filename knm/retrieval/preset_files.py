"""Presets as YAML files: a mapping of fields, each of a known type."""

from collections.abc import Mapping
from contextlib import suppress
from importlib import resources
from pathlib import Path
from typing import Any, Final

import yaml

from knm.errors import UserError, named
from knm.jsonio import write_text
from knm.outputs import file_named

NAMED: Final = resources.files("knm.retrieval") / "named"

_NAMES: Final[Mapping[type, str]] = {
    str: "text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    list: "a list of names",
    dict: "a mapping of numbers",
}


def preset_names() -> list[str]:
    """The presets of this package, in order."""
    names = (Path(file.name) for file in NAMED.iterdir())
    return sorted(name.stem for name in names if is_preset_file(name.name))


def check_preset_name(name: str) -> None:
    """Refuse a name that is neither a preset's nor a file's. Needs no model library.

    Raises:
        UserError: saying which there are.
    """
    if is_preset_file(name):
        if file_named(name) is None:
            raise UserError(f"{named('preset')} {name}: no such file")
    elif name not in preset_names():
        raise UserError(
            f"{named('preset')} {name}: unknown; choose one of {', '.join(preset_names())}, or "
            "give the path of a .yaml file"
        )


def check_default_name(name: str) -> None:
    """Refuse a name that a datastore cannot keep as its default. Needs no model library.

    Raises:
        UserError: it is no preset of this package.
    """
    if is_preset_file(name):
        raise UserError(
            f"{named('preset')} {name}: a file may lie elsewhere, or say something else, when the "
            "datastore is searched: name a preset of the package, or give the file then"
        )
    check_preset_name(name)


def is_preset_file(name: str) -> bool:
    """Whether a preset is named by its file."""
    return name.endswith((".yaml", ".yml"))


def read_fields(path: Path, types: Mapping[str, type]) -> dict[str, Any]:
    """The fields that a file gives; `types` are those that there are. Null leaves a field out.

    Raises:
        UserError: naming the file and the line: no such file, not a mapping, an unknown or repeated
            field, or one of another type.
    """
    try:
        with path.open(encoding="utf-8") as file:  # a text has no name to be told
            root = yaml.compose(file, Loader=yaml.SafeLoader)
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise UserError(f"{path}: {error}") from None
    if not isinstance(root, yaml.MappingNode):
        raise UserError(f"{path}: not a preset: expected lines such as `weight: 0.5`")
    fields: dict[str, Any] = {}
    for key, node in root.value:
        where, name = f"{path}:{key.start_mark.line + 1}", key.value
        if name not in types:
            raise UserError(f"{where}: unknown field {name!r}; fields are: {', '.join(types)}")
        if name in fields:
            raise UserError(f"{where}: {name} is given twice")
        fields[name] = _value(node, types[name], f"{where}: {name}")
    return {name: value for name, value in fields.items() if value is not None}


def write_fields(path: Path, fields: Mapping[str, Any]) -> None:
    """Write fields so that `read_fields` reads them back, atomically."""
    write_text(path, yaml.safe_dump(dict(fields), sort_keys=False, allow_unicode=True))


def _value(node: yaml.Node, wanted: type, where: str) -> Any:
    loader = yaml.SafeLoader("")
    try:
        value = loader.construct_document(node)
    except (ValueError, yaml.YAMLError) as error:
        raise UserError(f"{where}: {error}") from None
    finally:
        loader.dispose()
    if wanted is float and isinstance(value, int | str) and not isinstance(value, bool):
        with suppress(ValueError):  # YAML 1.1 takes 1e-3 for text
            value = float(value)
    if value is not None and type(value) is not wanted:
        raise UserError(f"{where}: {value!r}: must be {_NAMES[wanted]}")
    return value
