"""Whether a bench is asked for, by what pytest's arguments name. Takes the standard library alone.

A bench is a test file that asks for the fixture `knm_result`. An argument names the file, a test in
it, its folder where the file has one of the names of `TEST_FILES`, or this package (`--pyargs`).
Arguments that name nothing leave it to where pytest starts.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

PACKAGE: Final = __name__.rpartition(".")[0]
PLUGIN: Final = f"{PACKAGE}.plugin"
FIXTURE: Final = "knm_result"
TEST_FILES: Final = ("test_bench.py", "test_problems.py")
TWIN: Final = "--knm-"
"""What an option begins with that is this plugin's beyond doubt."""
ENGINE_FLAGS: Final = ("--engine", f"{TWIN}engine")
"""What an argument begins with that names servers."""
NOT_NAMED: Final = "problems run where their bench is named: pytest FOLDER, or the test file itself"
"""What a problem's test says where no bench was asked for."""

_PROJECT_FILES: Final = ("pyproject.toml", "pytest.ini", "tox.ini", "setup.cfg")


def has_twin(arguments: Iterable[str]) -> bool:
    """Whether an option among them is this plugin's beyond doubt."""
    return any(argument.startswith(TWIN) for argument in arguments)


def named_benches(
    arguments: Iterable[str], directory: Path, *, deep: bool = False
) -> Iterator[Path]:
    """The folders of the benches that arguments name; `directory` is where pytest starts.

    With `deep` a bench may lie anywhere below a folder that is named, in a file of any name.
    """
    for argument in arguments:
        place = argument.partition("::")[0]
        if place == PACKAGE or place.startswith(f"{PACKAGE}."):
            yield Path(__file__).parent
            continue
        path = (directory / place).resolve()
        files: Iterable[Path] = [path] if path.suffix == ".py" else []
        if path.is_dir():
            files = path.rglob("test_*.py") if deep else [path / name for name in TEST_FILES]
        yield from (file.parent for file in files if _is_bench(file))


def project_of(bench: Path, directory: Path) -> Path:
    """Where a bench's results, datastores and kept completions lie: its project's directory.

    That is the nearest one with a project's file; without any, `directory`, where pytest starts.
    """
    if bench == Path(__file__).parent:
        return directory
    for folder in (bench, *bench.parents):
        if any((folder / name).is_file() for name in _PROJECT_FILES):
            return folder
    return directory


def _is_bench(file: Path) -> bool:
    try:
        return FIXTURE.encode() in file.read_bytes()
    except OSError:
        return False
