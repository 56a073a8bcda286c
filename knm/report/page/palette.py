"""Colours of runs and outcomes: one for light and dark, with readable ink on each."""

from typing import Final

from knm.sandbox import Verdict

INFRASTRUCTURE: Final = "infrastructure"

FILLS: Final = {
    Verdict.ACCEPTED.value: "#2e8555",
    Verdict.WRONG_OUTPUT.value: "#c8702a",
    Verdict.SYNTAX_ERROR.value: "#7d5bbe",
    Verdict.RUNTIME_ERROR.value: "#c03a55",
    Verdict.TIMEOUT.value: "#3478b5",
    Verdict.MEMORY_LIMIT.value: "#2a979d",
    Verdict.OUTPUT_LIMIT.value: "#5d6fd0",
    Verdict.NO_CODE.value: "#6d747d",
    Verdict.TRUNCATED.value: "#8d949c",
    INFRASTRUCTURE: "#a8862f",
    "other": "#3478b5",
    "absent": "#b9bec5",
}
"""Mid tones, so that each stands out from white and from near black."""

RUN_FILLS: Final = ("#74859a", "#2a6fdb", "#b8621b", "#8257c2", "#1f8a7c", "#b83a72")
"""Of the runs in order; they repeat after the last."""


def run_kind(number: int) -> str:
    """The style of the run with this number, from 0."""
    return f"run-{number % len(RUN_FILLS)}"


def verdict_kind(verdict: Verdict) -> str:
    """The style of an outcome; infrastructure faults share one."""
    return INFRASTRUCTURE if verdict.is_infrastructure else verdict.value


def fills() -> dict[str, str]:
    """Colour by style name."""
    return FILLS | {run_kind(number): fill for number, fill in enumerate(RUN_FILLS)}


def ink_on(fill: str) -> str:
    """White or black, whichever is easier to read on a colour."""
    lightness = _luminance(fill)
    return "#ffffff" if 1.05 / (lightness + 0.05) >= (lightness + 0.05) / 0.05 else "#000000"


def _luminance(fill: str) -> float:
    """Relative luminance as WCAG 2 defines it."""
    channels = [int(fill[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
        for value in channels
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
