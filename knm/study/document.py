"""The final report of a study: what `knm report study` tells of runs, and the study around it."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from knm.errors import UserError
from knm.jsonio import write_json
from knm.languages.foreign import foreign_spans
from knm.report import Report, ReportDiff, diff_reports, summarize, text
from knm.report import page as view
from knm.report.rates import name_tests
from knm.report.study import StudyFormat, check_study, compose_study, write_study
from knm.report.study.blocks import Block, Commands, Files, Heading, Paragraph, Table
from knm.study.plan import TUNED, StorePlan
from knm.study.running import StudyOutcome, Tuning, command_of

DOCUMENT: Final = "report"
PAGE: Final = "report.html"
FIGURES: Final = "study.json"
FOREIGN: Final = ("foreign-operator", "foreign-keyword", "foreign-attribute")
"""Error classes of other languages' syntax: told even where there is none."""
ANY_RULE: Final = "any rule"


def write_documents(outcome: StudyOutcome, out: Path) -> list[Path]:
    """Write figures, page, Markdown and, where its library is there, PDF; the files' paths."""
    settings = outcome.plan.settings
    template = settings.prompt if Path(settings.prompt).is_file() else None
    asked = view.find_asked(list(outcome.rows), settings.problems, template)
    bench = view.join_runs(list(outcome.rows), asked)
    view.write_page(bench, out / PAGE)
    write_json(out / FIGURES, outcome.to_json())
    blocks = list(compose(outcome, out, compose_study(bench)[1:]))
    written = write_study(blocks, out / f"{DOCUMENT}.md", StudyFormat.MD)
    try:
        check_study(StudyFormat.PDF)
    except UserError:
        return [*written[:1], out / PAGE, out / FIGURES]
    pdf = write_study(blocks, out / f"{DOCUMENT}.pdf", StudyFormat.PDF)
    return [*written[:1], *pdf, out / PAGE, out / FIGURES]


def compose(outcome: StudyOutcome, out: Path, of_runs: Sequence[Block]) -> Iterator[Block]:
    """The whole document; `of_runs` is what is told of the reported runs."""
    yield Heading(f"Study of {outcome.identity.name.rstrip('/').rpartition('/')[2]}", 1)
    yield Commands([command_of(outcome.plan, out)])
    yield from _asked(outcome)
    yield from _data(outcome)
    yield from _stores(outcome)
    yield from _rows(outcome)
    yield from of_runs
    yield from _error_classes(outcome.rows)
    if outcome.tuning is not None:
        yield from _grid(outcome.tuning)
    yield Heading("Files")
    yield Files(
        [
            ("every problem with its programs, side by side", PAGE),
            ("all figures", FIGURES),
            *((row.path.stem, str(row.path.relative_to(out))) for row in outcome.rows),
            *(
                (f"{one.name} on dev", str(one.report.path.relative_to(out)))
                for one in (outcome.tuning.tried if outcome.tuning else ())
            ),
        ]
    )


def _asked(outcome: StudyOutcome) -> Iterator[Block]:
    settings, configuration = outcome.plan.settings, outcome.rows[0].configuration
    counted = len(outcome.rows[0].results)
    told = (
        f"{counted} problems of {configuration['problems']}, asked as template "
        f"{configuration['prompt']} has it, answered greedily with up to "
        f"{settings.max_new_tokens} tokens in {configuration['dtype']} on "
        f"{configuration['device']}. Datastores hold nothing that any of the problems asks for."
    )
    yield Paragraph(told)


def _data(outcome: StudyOutcome) -> Iterator[Block]:
    yield Heading("Data")
    head = ("What", "Source", "Number", "Shortest", "Longest", "Mean", "Tokens, mean")
    yield Table(
        [
            head,
            *(
                (
                    line.what,
                    line.source,
                    f"{line.count:,}",
                    f"{line.characters.least:,}",
                    f"{line.characters.most:,}",
                    f"{line.characters.mean:,.1f}",
                    f"{line.tokens.mean:,.1f}",
                )
                for line in outcome.data
            ),
        ]
    )
    yield Paragraph("Lengths are in characters; tokens are the model's.")


def _stores(outcome: StudyOutcome) -> Iterator[Block]:
    yield Heading("Datastores")
    head = ("Datastore", "Made of", "Records", "Left out", "Entries", "Share", "Mistakes")
    yield Table(
        [
            head,
            *(
                (
                    store.name,
                    _made_of(store.plan),
                    f"{store.records:,}",
                    f"{store.left_out:,}",
                    f"{store.entries:,}",
                    text.percent(store.entries / store.capacity if store.capacity else None),
                    f"{store.mistakes:,}",
                )
                for store in outcome.stores
            ),
        ]
    )
    yield Paragraph(
        "Left out are records for tasks that the problems ask for. The share is that of entries "
        "among all positions of the programs; mistakes are those where the LM was wrong."
    )
    yield from _syntax(outcome)


def _syntax(outcome: StudyOutcome) -> Iterator[Block]:
    """What the filter of foreign syntax finds in the corpora, and took out of datastores."""
    filtered = [store for store in outcome.stores if store.plan.drop_python]
    if not filtered:
        return
    yield Heading("Foreign syntax")
    rows = [("Where", "Of", "Dropped", "By rule")]
    rows += [
        (name, f"{records:,} programs", f"{len(found.removed):,}", text.counts(found.rules) or "-")
        for name, (records, found) in outcome.foreign.items()
    ]
    entries = {store.name: store.entries for store in outcome.stores}
    for store in filtered:
        before = entries[str(store.plan.of)]
        rows.append(
            (
                store.name,
                f"{before:,} entries",
                f"{before - store.entries:,}",
                text.counts(store.dropped) or "-",
            )
        )
    yield Table(rows)
    yield Paragraph(
        "Of a program in which a rule matches, datastores lose the entries from the match to the "
        "end of its line; rules overlap. What that does to errors of foreign syntax stands under "
        "Error classes, in the rows of these datastores beside those of what they are made of."
    )
    pairs = list(_pairs(outcome))
    if pairs:
        head = ("From", "To", "Problems", "Gained", "Lost", "p")
        yield Table([head, *(cells for cells, _ in pairs)])
        yield _p_by(diff for _, diff in pairs)


def _p_by(diffs: Iterable[ReportDiff]) -> Paragraph:
    return Paragraph(f"p is two-sided, by {name_tests(diff.test for diff in diffs)}.")


def _pairs(outcome: StudyOutcome) -> Iterator[tuple[tuple[str, ...], ReportDiff]]:
    """Rows of one preset with the datastore as it was mined, and filtered."""
    reports = {report.path.stem: report for report in outcome.rows}
    rows = [row for row in outcome.plan.rows if row.name in reports]
    for after in rows:
        parent = outcome.plan.datastores[after.datastore].of
        for before in rows:
            if (before.preset, before.datastore) == (after.preset, parent):
                names = str(before.name), str(after.name)
                diff = diff_reports(*(reports[name] for name in names))
                compared = text.problems(diff.a.totals.counted, len(diff.rate_changes))
                flips = str(len(diff.gained)), str(len(diff.lost))
                yield (*names, compared, *flips, f"{diff.p_value:.3g}"), diff


def _made_of(plan: StorePlan) -> str:
    if plan.of is not None:
        return f"{plan.of}, without other languages' syntax"
    return f"positions {plan.positions}, keys {plan.key_kind}"


def _rows(outcome: StudyOutcome) -> Iterator[Block]:
    yield Heading("Rows")
    planned = {str(row.name): row for row in outcome.plan.rows}
    rows = [("Row", "Preset", "Datastore", "")]
    for report in outcome.rows:
        knn = report.configuration.get("knn")
        use = summarize(report.results).knn
        withheld = sum(use.withheld.values()) if use else 0
        rows.append(
            (
                report.path.stem,
                "-" if knn is None else str(knn["preset"]["name"]),
                "-" if knn is None else Path(str(knn["datastore"])).name,
                f"not searched for {withheld} problems" if withheld else "run",
            )
        )
    for name, reason in outcome.skipped.items():
        row = planned.get(name)
        rows.append(
            (name, row.preset if row else "-", row.datastore if row else "-", f"skipped: {reason}")
        )
    yield Table(rows)


def _error_classes(rows: Sequence[Report]) -> Iterator[Block]:
    """Every class of every row, the LM's most frequent first; then other languages' idioms."""
    yield Heading("Error classes")
    yield _counted("Class", rows, [summarize(row.results).error_classes for row in rows], FOREIGN)
    yield Paragraph(
        "Programs that hold another language's syntax, by rule, whether or not that is what failed "
        "first:"
    )
    yield _counted("Rule", rows, list(map(_idioms, rows)), (ANY_RULE,))


def _idioms(row: Report) -> dict[str, int]:
    """How many programs of a run each rule of foreign syntax matches, and any rule does."""
    language = str(row.configuration["language"])
    found = Counter[str]()
    for result in row.results:
        rules = {span.rule for span in foreign_spans(result.program or "", language)}
        found.update([*rules, *[ANY_RULE] * bool(rules)])
    return found


def _counted(
    what: str, rows: Sequence[Report], counts: Sequence[Mapping[str, int]], first: Sequence[str]
) -> Table:
    """What is counted, a column a row; what is `first` comes first, even where it is nowhere."""
    others = {name for found in counts for name in found} - set(first)
    order = [*first, *sorted(others, key=lambda name: (-counts[0].get(name, 0), name))]
    return Table(
        [
            (what, *(row.path.stem for row in rows)),
            *((name, *(str(found.get(name, 0)) for found in counts)) for name in order),
        ]
    )


def _grid(tuning: Tuning) -> Iterator[Block]:
    yield Heading("The grid")
    yield Paragraph(
        "Decoded and judged on the dev problems alone, none of which is reported above. The best "
        f"there, {tuning.winner.name}, is row {TUNED} above: what it passes here it was chosen for."
    )
    names = list(tuning.winner.settings)
    rows = [("", *names, "Pass@1 on dev", "95 % interval", "Gained", "Lost", "p")]
    totals = summarize(tuning.baseline.results)
    lm = ("LM alone", *("" for _ in names), text.pass_at_1(totals))
    rows.append((*lm, text.interval(totals.interval), "", "", ""))
    diffs = [diff_reports(tuning.baseline, one.report) for one in tuning.tried]
    for one, diff in zip(tuning.tried, diffs, strict=True):
        totals = summarize(one.report.results)
        rows.append(
            (
                "best" if one is tuning.winner else "",
                *(str(one.settings[name]) for name in names),
                text.pass_at_1(totals),
                text.interval(totals.interval),
                str(len(diff.gained)),
                str(len(diff.lost)),
                f"{diff.p_value:.3g}",
            )
        )
    yield Table(rows)
    yield _p_by(diffs)
