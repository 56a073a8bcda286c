"""`knm problems to-translate`: programs, right or wrong, as problems that ask to translate them."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from knm.corpora import CorpusRecord, stream_corpus, translation_request
from knm.errors import UserError, named
from knm.gathering.collecting import run_language, run_results
from knm.gathering.translation.sources import is_corpus
from knm.jsonio import dumps, find_surrogate, write_jsonl
from knm.languages.descriptions import check_noted
from knm.languages.language import language_prompt
from knm.outputs import Output, check_outputs
from knm.problems import problems_path, stream_rows
from knm.problems.kinds import KINDS
from knm.problems.records import OF_PROBLEM, STDIN
from knm.problems.rows import Row


@dataclass(frozen=True)
class ToTranslateOptions:
    """Which programs are to be translated: those of `sources`, of the problem set `problems`.

    `sources` are corpora, reports or streams. What is in `language` already, which is translated
    to, does not count. Of each problem the first `most` programs do, or all if None.
    """

    sources: tuple[Path, ...]
    problems: str
    out: Path
    language: str = "lua"
    most: int | None = None
    overwrite: bool = False


@dataclass
class ToTranslate:
    """What was made: so many `problems`, each of a program for one of `with_program` problems.

    `without_program` are the ids of those that no source has a program for, `languages` counts the
    programs. Left out are those beyond `most` (`left_out`), those that are in the language already
    (`already`), those of `unknown` problems, which the set lacks, and corpus records that name no
    problem (`unmarked`).
    """

    problems: int = 0
    with_program: int = 0
    without_program: list[str] = field(default_factory=list)
    languages: Counter[str] = field(default_factory=Counter)
    left_out: int = 0
    already: int = 0
    unknown: int = 0
    unmarked: int = 0


_Programs = defaultdict[str, dict[tuple[str, str], str]]
"""The distinct programs by problem; those of one by language and text but for spaces at ends."""


def make_problems_to_translate(options: ToTranslateOptions) -> ToTranslate:
    """Write a problem set that asks for a translation of each program, whatever its verdict.

    A problem of it has id and number of its program as id, `ID-K` with K from 1: no two ids can
    give the same. Its statement is the `translation_request`, its `of_problem` the other one's id.
    All else it has from that, the encoded tests as they are: they are copied a problem at a time.

    Raises:
        UserError: a file is missing, malformed or in the way, there is no program to translate, a
            problem does not ask for a program, or has a field for which JSON has no form.
    """
    language_prompt(check_noted(options.language, named("language")))
    if options.out.suffix != ".jsonl":
        raise UserError(f"{named('out')} {options.out}: a problem set is a .jsonl file")
    check_outputs(
        [Output(named("out"), (options.out,))],
        (*options.sources, problems_path(options.problems)),
        overwrite=options.overwrite,
    )
    made = ToTranslate()
    programs = _read(options, made)
    write_jsonl(options.out, _problems(options, programs, made))
    return made


def _read(options: ToTranslateOptions, made: ToTranslate) -> _Programs:
    """The programs that are not in the language already, in the order of the sources."""
    found: _Programs = defaultdict(dict)
    for problem, language, program in _programs_of(options.sources, made):
        if language == options.language:
            made.already += 1
            continue
        # Unlike its other spaces, those that a line begins with count in Python.
        text = "\n".join(line.rstrip() for line in program.strip("\n").split("\n"))
        found[problem].setdefault((language, text), program)
    return found


def _programs_of(sources: tuple[Path, ...], made: ToTranslate) -> Iterator[tuple[str, str, str]]:
    """Problem, language and text of each program. Its verdict, even a fault, is not looked at."""
    for path in sources:
        if not is_corpus(path):
            for settings, result in run_results(path, unjudged=True):
                language = run_language(settings)
                for sample in result.samples:
                    # No file can hold an unpaired surrogate.
                    if sample.program is not None and not find_surrogate(sample.program):
                        yield result.question_id, language, sample.program
            continue
        for record in stream_corpus(path):
            if record.problem is None:
                made.unmarked += 1
            else:
                yield record.problem, record.language, record.program


def _problems(
    options: ToTranslateOptions, programs: _Programs, made: ToTranslate
) -> Iterator[dict[str, Any]]:
    """The problems as they are written, counted."""
    for row in stream_rows(options.problems):
        found = programs.pop(row.question_id, {})
        if not found:
            made.without_program.append(row.question_id)
            continue
        _check(row)
        made.with_program += 1
        for number, ((language, _), program) in enumerate(found.items(), start=1):
            if options.most is not None and number > options.most:
                made.left_out += 1
                continue
            made.problems += 1
            made.languages[language] += 1
            yield _problem(row, number, language, program)
    made.unknown = len(programs)
    if not made.problems:
        raise UserError(
            f"{', '.join(map(str, options.sources))}: nothing to translate to {options.language}: "
            f"{made.already} programs are in it already, {made.unmarked} records name no "
            f"`problem`, {made.unknown} problems with programs are none of {options.problems}"
        )


def _check(row: Row) -> None:
    """Refuse a row that no program can be translated for, or that cannot be written anew."""
    if row.kind != STDIN:
        raise UserError(
            f"{row.place}: asks for a {row.kind}, and only whole programs are translated; give "
            "problems that read standard input"
        )
    if OF_PROBLEM in row.fields:
        raise UserError(
            f"{row.place}: has a field {OF_PROBLEM!r} already, as what this command writes; give "
            "the problem set that it was made of"
        )
    for name, value in row.extras.items():
        try:
            dumps(value)
        except (TypeError, ValueError) as error:
            raise UserError(
                f"{row.place}: field {name!r} has no form in JSON ({error}); leave it out of the "
                "set"
            ) from None


def _problem(row: Row, number: int, language: str, program: str) -> dict[str, Any]:
    kind = KINDS[row.kind]
    name = f"{row.question_id}-{number}"
    asked = CorpusRecord(name, row.question_content, program, language, source="")
    return {
        **row.fields,
        kind.id_field: name,
        kind.content_field: translation_request(asked),
        OF_PROBLEM: row.question_id,
    }
