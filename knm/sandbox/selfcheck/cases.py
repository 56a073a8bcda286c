"""The cases of the self-check, as data: YAML files of this package, in `attacks` and `answers`.

A file names its `language`, may bring `preludes` (code that its programs ask for by name) and lists
its `cases`:

- `name`, `tries`: what it is called, and what the program is after;
- `program`, perhaps `prelude`: names of preludes that go before it;
- `tests`, or `output` where one test with empty input will do;
- `expect`: the verdict, or a list of verdicts that are as good; `accepted` if there is none. An
  attack that prints how far it came and is `accepted` was tried, and failed as it must;
- `class`: the error class; `lenient`: the lenient grader's answer; `shows`: a pattern that must be
  found in what the deciding test printed, as a proof that the attack began;
- `limits`: what differs from `LIMITS`;
- `later`: another `program` with its `output`, judged afterwards: it looks for leftovers;
- `without_jail`: what becomes of it where there is no jail: it `fails` (the test of the suite), or
  it is `harmful` and not run at all.

Words such as @SCRATCH@ are filled in by the host (see `host`). `sound` is a program that adds two
numbers; it is judged after every case of its language.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache
from importlib import resources
from typing import Any

from knm.sandbox.types import Limits, Verdict
from knm.testcases import TestCase

FOLDER = resources.files("knm.sandbox.selfcheck")
LIMITS = Limits(cpu_seconds=2, wall_seconds=15, memory_bytes=128 << 20, output_bytes=1 << 20)
SOUND_TESTS = (TestCase("1 2\n", "3\n"), TestCase("20 -5\n", "15\n"))


class WithoutJail(StrEnum):
    """What becomes of a case where nothing holds its program."""

    UNKNOWN = "unknown"
    FAILS = "fails"
    HARMFUL = "harmful"


@dataclass(frozen=True)
class Case:
    """One program, and what must be seen of it. `error_class` and `lenient` None: whatever."""

    name: str
    language: str
    tries: str
    program: str
    tests: tuple[TestCase, ...]
    limits: Limits
    verdicts: tuple[Verdict, ...]
    error_class: str | None
    lenient: bool | None
    shows: str | None
    later: "Case | None"
    without_jail: WithoutJail

    @property
    def expected(self) -> str:
        """The expectation in words: the verdict, and what the program prints."""
        words = " or ".join(self.verdicts)
        if self.error_class:
            words += f" ({self.error_class})"
        if self.lenient is not None:
            words += f", lenient {'accepts' if self.lenient else 'refuses'}"
        if self.verdicts[0] is Verdict.ACCEPTED:
            words += said(self.tests[0].output)
        return words


@dataclass(frozen=True)
class Suite:
    """The cases of one language, and its sound program."""

    language: str
    sound: str
    cases: tuple[Case, ...]


def said(output: str) -> str:
    """The beginning of what a program printed, for one line of a table."""
    first = output.strip().partition("\n")[0].replace("\t", " ")
    printable = "".join(letter if letter.isprintable() else "�" for letter in first)
    return f": {printable[:77]}…" if len(printable) > 78 else f": {printable}" if first else ""


def suite_languages() -> list[str]:
    """The languages that there are known answers of, the default first."""
    names = sorted(entry.name.removesuffix(".yaml") for entry in (FOLDER / "answers").iterdir())
    return sorted(names, key=lambda name: name != "lua")


@cache
def load_suite(language: str) -> Suite:
    """All cases of a language: attacks first, then known answers."""
    answers = load_file("answers", f"{language}.yaml")
    assert answers["language"] == language
    cases = []
    for entry in sorted((FOLDER / "attacks").iterdir(), key=lambda entry: entry.name):
        attacks = load_file("attacks", entry.name)
        if attacks["language"] == language:
            cases += make_cases(attacks)
    return Suite(language, answers["sound"], (*cases, *make_cases(answers)))


@cache
def load_file(folder: str, name: str) -> Mapping[str, Any]:
    """One file of cases. Each language's suite asks for all attacks: they are parsed once."""
    import yaml

    text = (FOLDER / folder / name).read_text(encoding="utf-8")
    data: Mapping[str, Any] = yaml.load(text, Loader=yaml.CSafeLoader)
    return data


def make_cases(data: Mapping[str, Any]) -> list[Case]:
    """The cases of one file."""
    preludes = data.get("preludes", {})
    return [make_case(row, data["language"], preludes) for row in data["cases"]]


def make_case(row: Mapping[str, Any], language: str, preludes: Mapping[str, str]) -> Case:
    """The case that one entry describes."""
    unknown = row.keys() - {
        *("name", "tries", "program", "prelude", "tests", "output", "expect", "class", "lenient"),
        *("shows", "limits", "later", "without_jail"),
    }
    assert not unknown, f"{row['name']}: unknown {unknown}"
    expect = row.get("expect", "accepted")
    program = "".join(preludes[name] for name in row.get("prelude", ())) + row["program"]
    tests = row.get("tests", [{"input": "", "output": row.get("output", "")}])
    name = f"{language}/{row['name']}"
    return Case(
        name=name,
        language=language,
        tries=row["tries"],
        program=program,
        tests=tuple(TestCase(test["input"], test["output"]) for test in tests),
        limits=replace(LIMITS, **row.get("limits", {})),
        verdicts=tuple(map(Verdict, [expect] if isinstance(expect, str) else expect)),
        error_class=row.get("class"),
        lenient=row.get("lenient"),
        shows=row.get("shows"),
        later=make_case(later_of(row), language, preludes) if "later" in row else None,
        without_jail=WithoutJail(row.get("without_jail", "unknown")),
    )


def later_of(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """The second part of an entry, as an entry."""
    return {"name": f"{row['name']}, later", "tries": "to find what was left", **row["later"]}
