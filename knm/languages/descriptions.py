"""Finding and reading the descriptions of languages.

`extends` names a language whose entries hold where they are not given; those of `prompt`, `lexer`
and `foreign` one by one, and rows of the tables of errors come before its rows. An entry that is
given as null is none, whatever the language that is extended says.

Users name a language, or its file. Data (corpora, datastores, reports) only name one: a file that a
line of data names is never opened. A folder of the user's own gives names to more languages.
"""

import os
from importlib import resources
from pathlib import Path
from typing import Any, Final

from knm.errors import UserError

FOLDER: Final = resources.files("knm.languages")
TABLES: Final = ("syntax_errors", "runtime_errors")
PARTS: Final = ("prompt", "lexer", "foreign")
OWN: Final = "KNM_LANGUAGE_DIR"
"""The folder of the user's own languages: each `NAME.yaml` is known by its name."""


def language_names() -> list[str]:
    """The names of the languages that come with the package, sorted."""
    files = (entry.name for entry in FOLDER.iterdir())
    return sorted(name.removesuffix(".yaml") for name in files if name.endswith(".yaml"))


def own_languages() -> dict[str, Path]:
    """The files of the user's own folder by the names of their languages; none without one."""
    folder = os.environ.get(OWN)
    return {path.stem: path for path in sorted(Path(folder).glob("*.yaml"))} if folder else {}


def describe_language(name: str) -> dict[str, Any]:
    """The description of the language of that name, or of a YAML file; complete in itself.

    Raises:
        UserError: there is none (the message lists those there are), it is not YAML, or it extends
            itself.
    """
    return {key: value for key, value in _describe(name, ()).items() if value is not None}


def _describe(name: str, extended_by: tuple[str, ...]) -> dict[str, Any]:
    """A description in which null still stands; `extended_by` are those that led here."""
    import yaml  # not where languages come as data, in a container

    if name in extended_by:
        raise UserError(f"language file {name}: it extends itself; name another under `extends`")
    path: Any = None
    if is_file(name):
        path = Path(name)
    elif name in language_names():
        path = FOLDER / f"{name}.yaml"
    else:
        path = own_languages().get(name)
    if path is None:
        raise UserError(
            f"unknown language {name!r}; choose from {', '.join(language_names())}, or give the "
            f"path of a .yaml file, or in {OWN} a folder that holds {name}.yaml"
        )
    try:
        with path.open(encoding="utf-8") as file:
            data = yaml.safe_load(file)
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise UserError(f"language file {name}: {error}") from None
    if not isinstance(data, dict):
        raise UserError(f"language file {name}: expected a mapping")
    base = _describe(str(data.pop("extends")), (*extended_by, name)) if "extends" in data else {}
    merged = base | data
    for table in TABLES:
        if table in merged:
            merged[table] = [*data.get(table, ()), *base.get(table, ())]
    for part in PARTS:
        merged[part] = _merge(base.get(part), data[part]) if part in data else base.get(part)
    return merged


def _merge(base: Any, own: Any) -> Any:
    """Two mappings, of which null entries of the second take out those of the first."""
    if not isinstance(own, dict):
        return own
    both = {**(base if isinstance(base, dict) else {}), **own}
    return {name: value for name, value in both.items() if value is not None}


def language_title(name: str) -> str:
    """What the language of that name, or of a file, is called."""
    return Path(name).stem if is_file(name) else name


def is_file(name: str) -> bool:
    """Whether a language is named by its file."""
    return name.endswith((".yaml", ".yml"))


def check_noted(name: str, where: str, mend: str | None = None) -> str:
    """The name of a language as data give it.

    Raises:
        UserError: it is a file's; `mend` says what to do where another name cannot be written.
    """
    if is_file(name):
        mend = mend or f"write its name, {language_title(name)}, and give its folder in {OWN}"
        raise UserError(f"{where}: language {name!r} is a file, which data cannot name: {mend}")
    return name
