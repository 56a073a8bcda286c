"""What is drawn of a set of runs, at any width; each chart is a scene, or None without data."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from knm.records import Interventions
from knm.report.page.flipgrid import flip_grid
from knm.report.page.palette import INFRASTRUCTURE, run_kind, verdict_kind
from knm.report.page.runs import Bench, Run
from knm.report.page.scene import CHARACTER, LINE, Dot, Line, Rect, Scene, Text, shorten
from knm.report.text import percent
from knm.sandbox import Verdict

BAR: Final = 18
GAP: Final = 8
SHOWN_CLASSES: Final = 12

GROUPS: Final = {
    "output error": Verdict.WRONG_OUTPUT.value,
    "syntax error": Verdict.SYNTAX_ERROR.value,
    "runtime error": Verdict.RUNTIME_ERROR.value,
    "other": "other",
}
"""The original study's groups of failures, and the style of each."""


def _interventions(run: Run) -> list[Interventions]:
    """What retrieval did to each problem of a run that had it."""
    found = (entry.interventions for entry in run.report.results)
    return [done for done in found if done is not None]


def draw_charts(bench: Bench, width: float) -> list[Scene]:
    """Every chart that the runs have data for, in the order of reading."""
    drawn = (draw(bench, width) for draw in CHARTS)
    return [scene for scene in drawn if scene is not None]


def pass_at_1(bench: Bench, width: float) -> Scene:
    """Pass@1 of each run as a dot in its interval."""
    scene = Scene("pass-at-1", "Pass@1 with 95 % Wilson interval", width)
    highest = max(run.totals.interval[1] for run in bench.runs)
    top = next(limit for limit in (0.1, 0.2, 0.5, 1.0) if limit >= highest - 1e-9)
    lines = []
    for number, run in enumerate(bench.runs):
        totals, (low, high) = run.totals, run.totals.interval
        share = totals.pass_at_1
        value = "nothing counted" if share is None else percent(share)
        scene.caption(run.label, f"{value}  ({totals.passed} of {totals.counted})")
        middle = scene.height + 9
        scene.add(Rect(0, middle - 4, width, 8, "track"))
        ends = [width * low / top, width * high / top]
        kind = run_kind(number)
        scene.add(Rect(ends[0], middle - 4, ends[1] - ends[0], 8, f"{kind} faint"))
        scene.add(*(Line(x, middle - 7, x, middle + 7, f"stroke-{kind}") for x in ends))
        if share is not None:
            scene.add(Dot(width * share / top, middle, 6, kind))
        scene.height += 18 + GAP
        lines.append(f"{run.label}: {value}, interval {percent(low)} to {percent(high)}")
    _axis(scene, [top * step / 5 for step in range(6)])
    scene.summary = "; ".join(lines)
    return scene


def error_groups(bench: Bench, width: float) -> Scene:
    """Failures by the original study's four groups."""
    scene = Scene("error-groups", "Failures by the original study's four groups", width)
    counts = [
        Counter(
            group
            for entry in run.report.results
            if (group := entry.verdict.study_group) is not None
        )
        for run in bench.runs
    ]
    _stacked(scene, bench.runs, counts, {group: (kind, group) for group, kind in GROUPS.items()})
    return scene


def verdicts(bench: Bench, width: float) -> Scene:
    """All outcomes, infrastructure faults apart."""
    scene = Scene("verdicts", "Verdicts", width)
    counts = [
        Counter(verdict_kind(entry.verdict) for entry in run.report.results) for run in bench.runs
    ]
    kinds = dict.fromkeys(map(verdict_kind, Verdict))
    names = {kind: (kind, kind) for kind in kinds}
    names[INFRASTRUCTURE] = (INFRASTRUCTURE, "infrastructure (not counted)")
    _stacked(scene, bench.runs, counts, names)
    return scene


def error_classes(bench: Bench, width: float) -> Scene | None:
    """The most frequent error classes, a bar per run."""
    totals = Counter[str]()
    for run in bench.runs:
        totals.update(run.totals.error_classes)
    if not totals:
        return None
    names = sorted(totals, key=lambda name: (-totals[name], name))
    shown, rest = names[:SHOWN_CLASSES], names[SHOWN_CLASSES:]
    counts = {name: [run.totals.error_classes.get(name, 0) for run in bench.runs] for name in shown}
    if rest:
        label = f"{len(rest)} rarer classes"
        counts[label] = [
            sum(run.totals.error_classes.get(name, 0) for name in rest) for run in bench.runs
        ]
    scene = Scene("error-classes", "Error classes", width)
    longest = max(max(values) for values in counts.values())
    side = min(0.42 * width, CHARACTER * max(map(len, counts)) + 8)
    scene.legend(_run_marks(bench))
    scene.height += 4
    thin = 9 if len(bench.runs) < 4 else 6
    for name, values in counts.items():
        tall = max(thin * len(values), 14)
        scene.add(Text(0, scene.height + tall / 2 + 4, shorten(name, side)))
        for number, value in enumerate(values):
            y = scene.height + (tall - thin * len(values)) / 2 + thin * number
            length = (width - side - 30) * value / longest
            scene.add(Rect(side, y, length, thin - 1, run_kind(number)))
            scene.add(Text(side + length + 5, y + thin - 1, str(value), "small"))
        scene.height += tall + 6
    scene.summary = "; ".join(
        f"{name}: {', '.join(map(str, values))}" for name, values in counts.items()
    )
    return scene


def tokens_and_time(bench: Bench, width: float) -> Scene:
    """What the runs cost, each measure on a scale of its own."""
    scene = Scene("tokens-time", "Tokens and time", width)
    measures: dict[str, Callable[[Run], float | None]] = {
        "generated tokens": lambda run: run.totals.completion_tokens,
        "generation, s": lambda run: run.totals.throughput.generation_seconds,
        "tokens per second": lambda run: run.totals.throughput.tokens_per_second,
        "judging, s": lambda run: run.totals.throughput.judge_seconds,
    }
    scene.legend(_run_marks(bench))
    lines = []
    for measure, value_of in measures.items():
        values = [value_of(run) for run in bench.runs]
        _bars(scene, measure, [(value or 0.0, _number(value)) for value in values])
        lines.append(f"{measure}: {', '.join(map(_number, values))}")
    scene.summary = "; ".join(lines)
    return scene


def retrieval(bench: Bench, width: float) -> Scene | None:
    """How often retrieval was asked and how often it changed the token."""
    uses = [(number, run, run.totals.knn) for number, run in enumerate(bench.runs)]
    scene = Scene("retrieval", "Retrieval: share of decoding steps", width)
    lines = []
    for number, run, use in uses:
        if use is None or not use.steps:
            continue
        for name, count in (("searched", use.searched), ("token changed", use.argmax_changes)):
            share = count / use.steps
            scene.caption(f"{run.label}: {name}", f"{percent(share)} of {use.steps:,}")
            scene.add(Rect(0, scene.height, width, 10, "track"))
            scene.add(Rect(0, scene.height, width * share, 10, run_kind(number)))
            scene.height += 10 + GAP
            lines.append(f"{run.label}, {name}: {percent(share)} of {use.steps} steps")
    scene.summary = "; ".join(lines)
    return scene if lines else None


def interventions(bench: Bench, width: float) -> Scene | None:
    """How many tokens retrieval changed per problem, as a histogram per run."""
    found = [
        (number, run, [done.argmax_changes for done in _interventions(run)])
        for number, run in enumerate(bench.runs)
    ]
    used = [entry for entry in found if entry[2]]
    if not used:
        return None
    scene = Scene("interventions", "Changed tokens per problem", width)
    step = _bin_width(max(max(changes) for *_, changes in used))
    bins = max(max(changes) for *_, changes in used) // step + 1
    lines = []
    for number, run, changes in used:
        counts = Counter(change // step for change in changes)
        middle = sorted(changes)[len(changes) // 2]
        scene.caption(run.label, f"median {middle}, most {max(changes)}")
        lows = [place * step for place in range(bins)]
        spans = [f"{low}" if step == 1 else f"{low} to {low + step - 1}" for low in lows]
        spans = [f"{span} changed tokens" for span in spans]
        heights = [counts[place] for place in range(bins)]
        _histogram(scene, heights, list(map(str, lows)), spans, "problems", run_kind(number))
        lines.append(f"{run.label}: median {middle}, most {max(changes)}")
    scene.summary = "; ".join(lines)
    return scene


def weights(bench: Bench, width: float) -> Scene | None:
    """How much the neighbours weighed at the steps that searched, as a histogram per run."""
    scene = Scene("weights", "Weight of the neighbours: searched steps", width)
    lines = []
    for number, run in enumerate(bench.runs):
        told = [done.weights for done in _interventions(run)]
        counts = [sum(column) for column in zip(*told, strict=True)] if all(told) else []
        if not any(counts):
            continue
        bins = [f"{place / len(counts):.1f}" for place in range(len(counts))]
        top = max(range(len(counts)), key=counts.__getitem__)
        text = f"most often {bins[top]} to {(top + 1) / len(counts):.1f}"
        scene.caption(run.label, text)
        spans = [f"weight from {low}" for low in bins]
        _histogram(scene, counts, bins, spans, "steps", run_kind(number))
        lines.append(f"{run.label}: {text}")
    scene.summary = "; ".join(lines)
    return scene if lines else None


CHARTS: Final[tuple[Callable[[Bench, float], Scene | None], ...]] = (
    pass_at_1,
    error_groups,
    verdicts,
    error_classes,
    tokens_and_time,
    retrieval,
    weights,
    interventions,
    flip_grid,
)


def _stacked(
    scene: Scene,
    runs: Sequence[Run],
    counts: Sequence[Mapping[str, int]],
    parts: Mapping[str, tuple[str, str]],
) -> None:
    """A bar per run of parts (key: style, name) on one common scale."""
    present = {key: part for key, part in parts.items() if any(count.get(key) for count in counts)}
    scene.legend(present.values())
    scene.height += 4
    longest = max((sum(count.values()) for count in counts), default=0) or 1
    lines = []
    for run, count in zip(runs, counts, strict=True):
        scene.caption(run.label, f"{sum(count.values())}")
        x = 0.0
        for key, (kind, name) in present.items():
            length = scene.width * count.get(key, 0) / longest
            if not length:
                continue
            title = f"{run.label}: {name} {count[key]}"
            scene.add(Rect(x, scene.height, max(length - 1, 1), BAR, kind, title))
            if length > CHARACTER * (len(str(count[key])) + 1):
                place = x + (length - 1) / 2
                scene.add(Text(place, scene.height + 13, str(count[key]), f"ink-{kind}", "middle"))
            x += length
        scene.height += BAR + GAP
        listed = (f"{name} {count[key]}" for key, (_, name) in present.items() if count.get(key))
        lines.append(f"{run.label}: {', '.join(listed) or 'none'}")
    scene.summary = "; ".join(lines)


def _bars(scene: Scene, title: str, values: Sequence[tuple[float, str]]) -> None:
    scene.caption(title)
    longest = max(value for value, _ in values) or 1.0
    for number, (value, shown) in enumerate(values):
        room = scene.width - CHARACTER * (len(shown) + 2)
        length = max(room * value / longest, 1)
        scene.add(Rect(0, scene.height, length, 12, run_kind(number)))
        scene.add(Text(length + 6, scene.height + 10.5, shown, "value"))
        scene.height += 15
    scene.height += GAP


def _histogram(
    scene: Scene,
    counts: Sequence[int],
    ticks: Sequence[str],
    spans: Sequence[str],
    unit: str,
    kind: str,
) -> None:
    """Bars of `counts`, each with a tick below its left end and a title of its span."""
    tall, pitch = 72.0, scene.width / len(counts)
    base = scene.height + LINE + tall
    for place, count in enumerate(counts):
        height = tall * count / max(counts)
        x = place * pitch
        title = f"{spans[place]}: {count} {unit}"
        scene.add(Rect(x, base - height, max(pitch - 1.5, 1), height, kind, title))
        if count and pitch > CHARACTER * (len(str(count)) + 0.5):
            middle = x + (pitch - 1.5) / 2
            scene.add(Text(middle, base - height - 4, str(count), "small", "middle"))
        if pitch > 24 or place % 2 == 0:
            scene.add(Text(x, base + 14, ticks[place], "tick"))
    scene.add(Line(0, base, scene.width, base))
    scene.height = base + LINE + GAP


def _axis(scene: Scene, shares: Sequence[float]) -> None:
    """Names of evenly spaced shares, the first at the left end and the last at the right."""
    scene.height += LINE
    for number, share in enumerate(shares):
        x = scene.width * share / shares[-1]
        anchor = "start" if number == 0 else "end" if number == len(shares) - 1 else "middle"
        scene.add(Text(x, scene.height - 5, f"{100 * share:.0f} %", "tick", anchor))


def _run_marks(bench: Bench) -> Iterator[tuple[str, str]]:
    return ((run_kind(number), run.label) for number, run in enumerate(bench.runs))


def _bin_width(most: int) -> int:
    """Of round widths the smallest that makes no more than 16 bins."""
    scale = 1
    while True:
        for width in (scale, 2 * scale, 5 * scale):
            if most // width < 16:
                return width
        scale *= 10


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.2f}"
