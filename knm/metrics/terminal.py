"""Figures of evaluations and sweeps as tables for a terminal."""

from collections.abc import Mapping, Sequence

from knm.metrics.completion import CompletionEvaluation
from knm.metrics.corpus_evaluation import CorpusEvaluation
from knm.metrics.discrimination import KeyComparison
from knm.metrics.figures import Figures, Group
from knm.metrics.pass_rate import PassRateSlopes
from knm.report.text import table


def render_evaluation(evaluation: CorpusEvaluation) -> str:
    """All tables of an evaluation."""
    figures = evaluation.figures
    head = figures[0].all
    lines = [
        f"{evaluation.subject.records} programs, {head.positions:,} tokens, "
        f"{evaluation.seconds:.1f} s",
        *_failed_lines(evaluation),
        "",
        *table([_HEADINGS, *map(_row, figures)]),
    ]
    if len(figures) > 1:
        lines += ["", "a gate that knew the right token", *table(_oracle_rows(figures))]
    for title, groups in (
        ("token type", [one.by_type for one in figures]),
        ("source", [one.by_source for one in figures]),
    ):
        if len(groups[0]) > 1:
            rows = _group_rows(groups)
            lines += ["", *table([[title, "tokens", *(one.name for one in figures)], *rows])]
    if evaluation.next_lines:
        rows = [["next line", "exact", "similarity"]]
        for one, line in zip(figures, evaluation.next_lines, strict=True):
            rows.append([one.name, share(line.exact), f"{line.similarity:.3f}"])
        lines += ["", f"{evaluation.next_lines[0].cases} next lines", *table(rows)]
    if evaluation.slopes is not None:
        lines += ["", *_slope_lines([one.name for one in figures[1:]], evaluation.slopes)]
    return "\n".join(lines)


def _failed_lines(evaluation: CorpusEvaluation) -> list[str]:
    if not evaluation.failed:
        return []
    but = "" if evaluation.slopes is None else ", but for the pass rate"
    return [f"{evaluation.failed:,} more are left out{but}: their programs failed"]


def _slope_lines(names: Sequence[str], slopes: PassRateSlopes) -> list[str]:
    rows = [["pass rate, to first order", "points a step", "95 % interval", "spread"]]
    for name, one in zip(names, slopes.presets, strict=True):
        if one.slope is None or one.interval is None:
            rows.append([name, "-", "-", "-"])
            continue
        low, high = one.interval
        rows.append(
            [
                name,
                _points(one.slope),
                f"{_points(low)} to {_points(high)}",
                f"{one.spread:.2f}",
            ]
        )
    return [
        f"{slopes.samples:,} samples of {slopes.problems} problems, "
        f"{slopes.mixed} of them with both outcomes",
        *table(rows),
    ]


def _points(share: float) -> str:
    """A difference of two shares, such as `+1.20`; rounding alone makes no loss of nothing."""
    return f"{round(100 * share, 2) + 0.0:+.2f}"


def render_completion(evaluation: CompletionEvaluation) -> str:
    """All tables of an evaluation of completion."""
    figures = evaluation.figures
    rows = [["", "exact", "95 % interval", "above the LM", "similarity", "reciprocal rank"]]
    for one in figures:
        low, high = one.interval
        above = "-"
        if one is not figures[0]:
            least, most = map(_points, one.gain_interval)
            above = f"{_points(one.gain)} ({least} to {most})"
        rows.append(
            [
                one.name,
                share(one.all.exact),
                f"{100 * low:.2f}-{100 * high:.2f}",
                above,
                f"{one.all.similarity:.4f}",
                f"{one.all.reciprocal_rank:.4f}",
            ]
        )
    types = [["lexeme type", "lexemes", *(one.name for one in figures)]]
    for kind, first in sorted(figures[0].by_type.items()):
        types.append(
            [kind, str(first.lexemes), *(share(one.by_type[kind].exact) for one in figures)]
        )
    head = figures[0].all
    return "\n".join(
        [
            f"{evaluation.subject.records} files, {head.lexemes:,} lexemes, "
            f"{evaluation.seconds:.1f} s",
            "",
            *table(rows),
            "",
            *table(types),
        ]
    )


def render_keys(comparison: KeyComparison) -> str:
    """The keys of a comparison, the best first."""
    rows = [["keys", "transform", "dim", "AUC", "95 % interval", "behind", "mended", "spoilt"]]
    for one in comparison.figures:
        low, high = one.interval
        behind = "-"
        if one is not comparison.figures[0]:
            least, most = (f"{bound:+.3f}" for bound in one.behind_interval)
            behind = f"{one.behind:+.3f} ({least} to {most})"
        rows.append(
            [
                one.keys,
                one.transform,
                str(one.dim),
                f"{one.area:.3f}",
                f"{low:.3f}-{high:.3f}",
                behind,
                share(one.mended),
                share(one.spoilt),
            ]
        )
    mistakes, correct = comparison.asked
    return "\n".join(
        [
            f"{comparison.subject.records} programs of {comparison.problems} problems, "
            f"{comparison.entries:,} entries ({comparison.kept_bytes / 1e6:,.0f} MB of states), "
            f"{comparison.seconds:.1f} s",
            f"asked at {mistakes:,} of {comparison.mistakes:,} mistakes and {correct:,} right "
            f"tokens; {comparison.k} neighbours, of other problems",
            "",
            *table(rows),
        ]
    )


def share(value: float | None) -> str:
    """Such as `92.53 %`: tokens are many, so two decimals mean something."""
    return "-" if value is None else f"{100 * value:.2f} %"


def perplexity(value: float | None) -> str:
    """Such as `1.3042`; `inf` for None."""
    return "inf" if value is None else f"{value:.4f}"


_HEADINGS = ["", "perplexity", "accuracy", "gained", "lost", "weight", "searched", "offered"]


def _row(one: Figures) -> list[str]:
    weighed = one.mean_weight is not None
    return [
        one.name,
        perplexity(one.all.perplexity),
        share(one.all.accuracy),
        str(one.all.gained) if weighed else "-",
        str(one.all.lost) if weighed else "-",
        "-" if one.mean_weight is None else f"{one.mean_weight:.3f}",
        share(one.searched),
        share(one.offered),
    ]


def _oracle_rows(figures: Sequence[Figures]) -> list[list[str]]:
    rows = [["", "LM or corrected", "", "LM or neighbours", ""]]
    for one in figures:
        if one.oracle is not None:
            oracle = one.oracle
            rows.append(
                [
                    one.name,
                    perplexity(oracle.perplexity),
                    share(oracle.accuracy),
                    perplexity(oracle.by_neighbours_perplexity),
                    share(oracle.by_neighbours_accuracy),
                ]
            )
    return rows


def _group_rows(columns: Sequence[Mapping[str, Group]]) -> list[list[str]]:
    return [
        [
            name,
            str(columns[0][name].positions),
            *(share(column[name].accuracy) for column in columns),
        ]
        for name in sorted(columns[0])
    ]
