"""Carrying out the cases on a sandbox, through nothing but its public protocol."""

import os
import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Self

from knm.errors import UserError
from knm.sandbox.backends import open_sandbox
from knm.sandbox.protocol import RESULTS
from knm.sandbox.selfcheck.cases import (
    LIMITS,
    SOUND_TESTS,
    Case,
    WithoutJail,
    load_suite,
    said,
    suite_languages,
)
from knm.sandbox.selfcheck.host import Host, descendants
from knm.sandbox.selfcheck.requests import REQUEST_CASES, RequestCase
from knm.sandbox.types import Judgement, Sandbox, Verdict
from knm.testcases import TestCase

PATIENCE_SECONDS = 5.0  # for processes to be gone once a sandbox is closed
NOTHING_HOLDS_IT = "not run: harmful where there is no jail"


@dataclass(frozen=True)
class Result:
    """What came of one case."""

    name: str
    tries: str
    expected: str
    observed: str
    passed: bool


class Checker:
    """Runs cases on the sandboxes that `spec` names, one for each language, opened when needed.

    The verifier of another's image (`docker:IMAGE`) tells less, so that only the class of its
    answer is compared.
    """

    def __init__(self, spec: str) -> None:
        self.spec = spec
        self.foreign = spec.startswith("docker:")
        self.before = descendants(os.getpid())
        self.sandboxes: dict[str, Sandbox] = {}
        self.host = Host()

    def sandbox(self, language: str) -> Sandbox:
        """The sandbox for programs of a language.

        Raises:
            UserError: it cannot be opened.
        """
        if language not in self.sandboxes:
            self.sandboxes[language] = open_sandbox(self.spec, language=language, limits=LIMITS)
        return self.sandboxes[language]

    def check(self, case: Case | RequestCase) -> Result:
        """Run one case, then the sound program, and look after the host.

        Raises:
            UserError: its sandbox cannot be opened.
        """
        sandbox = self.sandbox(case.language)
        if isinstance(case, RequestCase):
            observed = case.observe(sandbox)
            complaints = [] if observed == case.expected else [""]
        elif case.without_jail is WithoutJail.HARMFUL and not jailed(sandbox):
            return Result(case.name, case.tries, case.expected, NOTHING_HOLDS_IT, False)
        else:
            observed, complaints = self.run(sandbox, case)
        complaints += self.host.harm()
        sound = sandbox.judge(load_suite(case.language).sound, SOUND_TESTS, limits=LIMITS)
        if sound.verdict is not Verdict.ACCEPTED:
            complaints.append(f"the next program was judged {sound.verdict}: {sound.message}")
        observed = "; ".join([observed, *filter(None, complaints)])
        return Result(case.name, case.tries, case.expected, observed, not complaints)

    def run(self, sandbox: Sandbox, case: Case) -> tuple[str, list[str]]:
        """What was seen of a case, and what is wrong with it: "" where that can be seen."""
        tests = tuple(TestCase(test.input, self.host.fill(test.output)) for test in case.tests)
        judgement = sandbox.judge(self.host.fill(case.program), tests, limits=case.limits)
        observed = in_words(judgement, tests)
        complaints = [] if self.is_as_expected(judgement, case) else [""]
        shown = "\n".join((judgement.got or "", judgement.stderr, judgement.message))
        if self.host.secret in shown:
            complaints.append("the secret leaked")
        if case.later is not None:
            later, more = self.run(sandbox, case.later)
            complaints += [f"later {later}", *more] if more else []
        return observed, complaints

    def is_as_expected(self, judgement: Judgement, case: Case) -> bool:
        """Whether the judgement is what the case asks for."""
        if self.foreign:
            classes = {RESULTS.get(verdict, "fail:other") for verdict in case.verdicts}
            return RESULTS.get(judgement.verdict, "fail:other") in classes
        return (
            judgement.verdict in case.verdicts
            and case.error_class in (None, judgement.error_class)
            and case.lenient in (None, judgement.lenient_accepted)
            and (case.shows is None or re.search(case.shows, judgement.got or "") is not None)
        )

    def leftovers(self) -> Result:
        """Close the sandboxes and count the processes that are left."""
        self.close_sandboxes()
        expected = {*self.before, self.host.victim.pid}
        end = time.monotonic() + PATIENCE_SECONDS
        while (left := descendants(os.getpid()) - expected) and time.monotonic() < end:
            time.sleep(0.05)
        return Result(
            "host/leftovers",
            "all cases together: to leave a process behind",
            "0 processes left",
            f"{len(left)} processes left",
            not left,
        )

    def close_sandboxes(self) -> None:
        """End what was opened."""
        while self.sandboxes:
            self.sandboxes.popitem()[1].close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close_sandboxes()
        self.host.close()


@dataclass(frozen=True)
class Report:
    """All results, and why languages were left out."""

    backend: str
    results: tuple[Result, ...]
    skipped: dict[str, str]

    @property
    def passed(self) -> bool:
        """Whether every case passed."""
        return all(result.passed for result in self.results)


def all_cases(languages: Sequence[str]) -> Iterator[Case | RequestCase]:
    """The cases of some languages, and those of the protocol if the default is among them."""
    for language in languages:
        yield from load_suite(language).cases
        yield from (case for case in REQUEST_CASES if case.language == language)


def run_suite(
    spec: str,
    languages: Sequence[str] | None = None,
    *,
    follow: Callable[[Sequence[Case | RequestCase]], Iterator[Case | RequestCase]] = iter,
) -> Report:
    """Run the suite on the sandbox that `spec` names.

    Args:
        spec: as `open_sandbox` takes it.
        languages: by default all that the suite knows, of another's image only the first.
        follow: iterates over the cases, perhaps showing how far it is.

    Raises:
        UserError: it cannot be opened for any of the languages; the reason is that of the first.
    """
    if languages is None:
        languages = suite_languages()[: 1 if spec.startswith("docker:") else None]
    unknown = set(languages) - set(suite_languages())
    if unknown:
        names = ", ".join(suite_languages())
        raise UserError(f"no cases of language {', '.join(sorted(unknown))}; choose from {names}")
    skipped: dict[str, UserError] = {}
    with Checker(spec) as checker:
        for language in languages:
            try:
                checker.sandbox(language)
            except UserError as error:
                skipped[language] = error
        if len(skipped) == len(languages):
            raise skipped[languages[0]]
        cases = list(all_cases([name for name in languages if name not in skipped]))
        results = [checker.check(case) for case in follow(cases)]
        results.append(checker.leftovers())
    return Report(spec, tuple(results), {name: str(error) for name, error in skipped.items()})


def as_json(report: Report) -> dict[str, Any]:
    """The report as `knm sandbox check --json` prints it."""
    fields = ("name", "expected", "observed", "passed")
    return {
        "backend": report.backend,
        "cases": [{field: getattr(case, field) for field in fields} for case in report.results],
        "skipped": report.skipped,
    }


def jailed(sandbox: Sandbox) -> bool:
    """Whether something holds a program."""
    return sandbox.describe()["backend"] != "unsafe"


def in_words(judgement: Judgement, tests: Sequence[TestCase]) -> str:
    """A judgement for one line of a table: the verdict, and what the program printed."""
    words = str(judgement.verdict)
    if judgement.error_class:
        words += f" ({judgement.error_class})"
    if judgement.verdict is Verdict.ACCEPTED:
        return words + said(tests[0].output)
    if judgement.lenient_accepted:
        words += ", lenient accepts"
    return words + said(judgement.got or judgement.message)
