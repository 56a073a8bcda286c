"""How figures are written: the one way to show a rate, an interval, a list of ids, a table."""

import textwrap
from collections.abc import Mapping, Sequence
from typing import Final

from knm.records import TokenChange
from knm.report.noise import NoiseFloor
from knm.report.summary import Totals

WIDTH: Final = 100  # columns; long lines are wrapped to it


def percent(share: float | None) -> str:
    """Such as `47.3 %`; `-` for None."""
    return "-" if share is None else f"{100 * share:.1f} %"


def interval(bounds: Sequence[float]) -> str:
    """Such as `40.3-54.5 %`."""
    low, high = bounds
    return f"{100 * low:.1f}-{100 * high:.1f} %"


def pass_at_1(totals: Totals) -> str:
    """Such as `47.3 % (88 of 186)`."""
    return f"{percent(totals.pass_at_1)} ({totals.passed} of {totals.counted})"


def sound_pass_at_1(totals: Totals) -> str:
    """Pass@1 without the problems that have errata."""
    share = totals.sound_passed / totals.sound_counted if totals.sound_counted else None
    return f"{percent(share)} ({totals.sound_passed} of {totals.sound_counted})"


def pass_at_k(totals: Totals) -> str:
    """Such as `pass@1 40.1 % (33.9-46.2 %), pass@4 52.0 % (45.1-58.8 %)`, with 95 % intervals."""
    return ", ".join(
        f"pass@{k} {percent(share)} ({interval(totals.pass_at_k_intervals[k])})"
        for k, share in totals.pass_at_k.items()
    )


def of_all_samples(totals: Totals) -> str:
    """What sums are of where problems have several samples, such as ` in 1,488 samples`."""
    return f" in {totals.samples:,} samples" if totals.samples > totals.problems else ""


def rate(counts: tuple[int, int]) -> str:
    """How many of a problem's samples pass, such as `3/8`."""
    return "/".join(map(str, counts))


def speed(totals: Totals) -> str:
    """Such as `104.4 tokens/s`; `-` where nothing was generated."""
    rate = totals.throughput.tokens_per_second
    return "-" if rate is None else f"{rate:,.1f} tokens/s"


def points(change: float) -> str:
    """A difference of two shares, such as `+14.2`."""
    return f"{100 * change:+.1f}"


def mean_change(change: tuple[float, float, float]) -> str:
    """Such as `+14.2 points, 95 % interval +8.9 to +19.6`."""
    mean, low, high = change
    return f"{points(mean)} points, 95 % interval {points(low)} to {points(high)}"


def compared(problems: int, independent: int) -> str:
    """How many problems are compared, and of how many they were made, if that is fewer."""
    made = f", made of {independent} as samples of these" if independent < problems else ""
    return f"{problems} problems compared{made}"


def problems(count: int, independent: int) -> str:
    """The same in a table: such as `186`, or `186, made of 93`."""
    return f"{count}, made of {independent}" if independent < count else str(count)


def p_value(p: float) -> str:
    """Such as `p = 0.000269`."""
    return f"p = {p:.3g}"


def noise(floor: NoiseFloor) -> str:
    """What a noise floor says, as a clause."""
    return (
        f"noise floor: the same run twice differs on {len(floor.flips)} of {floor.problems}"
        f" problems ({len(floor.rewritten)} written differently,"
        f" {len(floor.judged_otherwise)} written alike and judged differently)"
    )


def counts(values: Mapping[str, int]) -> str:
    """Such as `accepted 88, timeout 2`."""
    return ", ".join(f"{name} {count}" for name, count in values.items())


def id_list(label: str, ids: Sequence[str], most: int | None = None) -> list[str]:
    """A label, how many there are, and all of them or the first `most`, wrapped."""
    if not ids:
        return [f"{label} 0"]
    left = len(ids) - len(ids[:most])
    more = f" and {left} more" if left else ""
    return wrap(f"{label} {len(ids)}: {' '.join(ids[:most])}{more}", "  ")


def wrap(text: str, indent: str = "") -> list[str]:
    """A paragraph of at most `WIDTH` columns; what follows the first line is indented."""
    return textwrap.wrap(
        text, WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows with their columns aligned, two spaces apart."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def one_line(text: str, length: int) -> str:
    """The first line of a text, cut."""
    line = text.partition("\n")[0]
    return line if len(line) <= length else line[: length - 1] + "…"


def quote(text: str) -> str:
    """A piece of a program, with its spaces and line ends visible."""
    return repr(text)


_TRIED: Final = {1: " gained", 0: " no change", -1: " lost"}


def neighbours(change: TokenChange, most: int = 3) -> str:
    """The neighbours behind a change, the nearest first, such as `'gmatch' 586.1 (train-1:157)`."""
    return ", ".join(
        f"{quote(use.token)} {use.distance:.1f} ({use.record}:{use.offset})"
        f"{'' if use.outcome is None else _TRIED[use.outcome]}"
        for use in change.neighbours[:most]
    )
