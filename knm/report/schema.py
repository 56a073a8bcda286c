"""One problem's outcome as reports and streams hold it. Knows nothing of the file around it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from knm.codec import from_json
from knm.errors import UserError
from knm.problems import FieldValue
from knm.records import Completion, Interventions, TokenChange
from knm.report.upgrade import upgrade_result
from knm.sandbox import Judgement, Verdict

SCHEMA_VERSION: Final = 3
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
class Sample:
    """One completion of a problem, the program in it, and the judgement on that.

    `completion` is None where the engine gave none, `program` where there is none in it.
    `judge_seconds` is wall time.
    """

    completion: Completion | None
    program: str | None
    judgement: Judgement
    judge_seconds: float = 0.0

    @property
    def text(self) -> str | None:
        """The completion's text."""
        return None if self.completion is None else self.completion.text

    @property
    def interventions(self) -> Interventions | None:
        """What retrieval did to the completion; None without retrieval."""
        return None if self.completion is None else self.completion.interventions

    @property
    def changes(self) -> tuple[TokenChange, ...]:
        """The recorded changes, in order."""
        return () if self.interventions is None else self.interventions.changes


@dataclass(frozen=True)
class ProblemResult:
    """What became of one problem: the test's `metadata.knm`.

    Infrastructure verdicts are results too. The first of the `samples` decides, so that the rate of
    passed problems is Pass@1; a fault in any of them is the problem's, because what they say
    together is then incomplete. `errata` is what is known to be wrong with the problem itself, None
    if nothing is.

    Of the problem, `title` and the short extra `fields` are told, and of what was asked
    `prompt_hash`, the SHA-256 of its text; None and empty where that is not known. Its statement is
    not: reports are published, and statements may belong to others.

    Raises:
        ValueError: there is no sample.
    """

    question_id: str
    samples: tuple[Sample, ...]
    errata: str | None = None
    title: str | None = None
    prompt_hash: str | None = None
    fields: Mapping[str, FieldValue] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.samples:
            raise ValueError("no `samples`, of which there is at least one")

    @cached_property
    def sample(self) -> Sample:
        """The one that decides: the first, or the first faulty one; one not judged is no fault."""
        faulty = [each for each in self.samples if each.judgement.verdict.is_infrastructure]
        return min(
            faulty or self.samples[:1],
            key=lambda each: each.judgement.verdict is Verdict.NOT_JUDGED,
        )

    @property
    def judgement(self) -> Judgement:
        """The judgement that decides."""
        return self.sample.judgement

    @property
    def verdict(self) -> Verdict:
        """The verdict that decides."""
        return self.sample.judgement.verdict

    @property
    def accepted(self) -> bool:
        """Whether the program passed every test."""
        return self.verdict is Verdict.ACCEPTED

    @property
    def judged(self) -> bool:
        """Whether it was more than decoded."""
        return all(each.judgement.verdict is not Verdict.NOT_JUDGED for each in self.samples)

    @property
    def passed_samples(self) -> tuple[int, int]:
        """How many of the samples pass every test, and how many there are."""
        verdicts = [each.judgement.verdict for each in self.samples]
        return verdicts.count(Verdict.ACCEPTED), len(verdicts)

    @property
    def text(self) -> str | None:
        """The text of the completion that decides; None where there is none."""
        return self.sample.text

    @property
    def program(self) -> str | None:
        """The program that decides; None where there is none."""
        return self.sample.program

    @property
    def interventions(self) -> Interventions | None:
        """What retrieval did to the completion that decides; None without retrieval."""
        return self.sample.interventions

    @property
    def changes(self) -> tuple[TokenChange, ...]:
        """The recorded changes of the completion that decides, in order."""
        return self.sample.changes

    @property
    def all_interventions(self) -> tuple[Interventions, ...]:
        """What retrieval did, of all samples that it was there for."""
        done = (each.interventions for each in self.samples)
        return tuple(each for each in done if each is not None)

    @property
    def completions(self) -> tuple[Completion, ...]:
        """Of all samples, those that there are."""
        return tuple(each.completion for each in self.samples if each.completion is not None)

    @property
    def prompt_tokens(self) -> int:
        """Tokens of the prompt; 0 where that is not known."""
        completion = self.sample.completion
        return 0 if completion is None else completion.prompt_tokens

    @property
    def completion_tokens(self) -> int:
        """Tokens written, in all samples."""
        return sum(completion.completion_tokens for completion in self.completions)

    @property
    def generation_seconds(self) -> float:
        """The samples' share of their batches, so that the sum over problems is the engine's."""
        return sum(completion.seconds for completion in self.completions)

    @property
    def judge_seconds(self) -> float:
        """Wall time of judging all samples."""
        return sum(each.judge_seconds for each in self.samples)


def read_result(value: Any, where: str) -> ProblemResult:
    """Read a result of this schema or an older one back; unknown fields are ignored.

    `where` names its place in errors.

    Raises:
        UserError: a field is missing or has a wrong type, or the verdict is unknown.
    """
    return from_json(ProblemResult, upgrade_result(value), where, "was the file edited by hand?")


def place_changes(sample: Sample) -> list[int | None]:
    """Where in `sample.program` each change begins; None where it does not stand there.

    That is so of a sampled token that was not the likeliest, and of reports that do not tell.
    """
    changes, text, program = sample.changes, sample.text, sample.program
    if not text or not program or (begin := text.find(program)) < 0:
        return [None] * len(changes)
    return [
        start - begin
        if (start := change.start) is not None
        and change.token
        and 0 <= start - begin <= len(program) - len(change.token)
        and text.startswith(change.token, start)
        else None
        for change in changes
    ]
