"""Programming languages, each described by a YAML file: of this folder, or anywhere else.

Here descriptions are found and read; what an entry means stands with those who use it: how a model
is asked for a language and answers in it (`prompt`) in `knm.problems.languages`, all others, how
programs are run and how their errors are read, in `knm.sandbox.languages`.

`extends` names a language whose entries hold where they are not given; those of `prompt` one by
one, and rows of the tables of errors come before its rows.
"""

from importlib import resources
from pathlib import Path
from typing import Any, Final

from knm.errors import UserError

FOLDER: Final = resources.files("knm.languages")
TABLES: Final = ("syntax_errors", "runtime_errors")


def language_names() -> list[str]:
    """The names of the languages that come with the package, sorted."""
    files = (entry.name for entry in FOLDER.iterdir())
    return sorted(name.removesuffix(".yaml") for name in files if name.endswith(".yaml"))


def describe_language(name: str, *, extended_by: tuple[str, ...] = ()) -> dict[str, Any]:
    """The description of the language of that name, or of a YAML file; complete in itself.

    `extended_by` are the languages whose descriptions led here.

    Raises:
        UserError: there is none (the message lists those there are), it is not YAML, or it extends
            itself.
    """
    import yaml  # not where languages come as data, in a container

    if name in extended_by:
        raise UserError(f"language file {name}: it extends itself; name another under `extends`")
    if is_file(name):
        path: Any = Path(name)
    elif name in language_names():
        path = FOLDER / f"{name}.yaml"
    else:
        raise UserError(
            f"unknown language {name!r}; choose from {', '.join(language_names())}, or give the "
            "path of a .yaml file"
        )
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise UserError(f"language file {name}: {error}") from None
    if not isinstance(data, dict):
        raise UserError(f"language file {name}: expected a mapping")
    if "extends" not in data:
        return data
    base = describe_language(str(data.pop("extends")), extended_by=(*extended_by, name))
    rows = {table: [*data.get(table, ()), *base.get(table, ())] for table in TABLES}
    prompt = data.get("prompt", {})
    if isinstance(prompt, dict):
        prompt = base.get("prompt", {}) | prompt
    return base | data | rows | ({"prompt": prompt} if prompt else {})


def language_title(name: str) -> str:
    """What the language of that name, or of a file, is called."""
    return Path(name).stem if is_file(name) else name


def is_file(name: str) -> bool:
    """Whether a language is named by its file."""
    return name.endswith((".yaml", ".yml"))
