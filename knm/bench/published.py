"""Settings that published figures were made with, by which a run says what it may be set beside."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from knm.options import RunOptions


@dataclass(frozen=True)
class PublishedSetting:
    """What a published way to run decodes with; `prompt` is our template of its structure."""

    name: str
    prompt: str
    samples: int
    temperature: float
    top_p: float
    max_new_tokens: int

    def differences(self, options: RunOptions) -> Iterator[str]:
        """One phrase for each setting of a run that is another."""
        asked = {
            "prompt": options.prompt,
            "samples": options.samples,
            "temperature": options.temperature,
            "top_p": 1.0 if options.top_p is None else options.top_p,
            "max_new_tokens": options.max_new_tokens,
        }
        for name, value in asked.items():
            if value != getattr(self, name):
                yield f"{name} {value}, there {getattr(self, name)}"


PUBLISHED: Final = (
    PublishedSetting(
        "Ag-LiveCodeBench-X script, its defaults", "ag-livecodebench-x", 1, 0.6, 0.95, 5000
    ),
    PublishedSetting(
        "Ag-LiveCodeBench-X script, as recommended for Qwen 3",
        "ag-livecodebench-x",
        1,
        0.2,
        0.95,
        2048,
    ),
    PublishedSetting("LiveCodeBench, its defaults", "livecodebench", 10, 0.2, 0.95, 2000),
)
"""From `livecodebench_x.py` of nuprl/Ag-LiveCodeBench-X and `lcb_runner/runner/parser.py` of
LiveCodeBench. Wording, language and problems are another matter: see `knm.problems.field_prompts`.
"""


def published_setting(options: RunOptions) -> str | None:
    """The published setting that a run's equals; None if there is none."""
    if options.prompt_arg:
        return None
    return next((each.name for each in PUBLISHED if not list(each.differences(options))), None)


def compare_with_published(options: RunOptions) -> str | None:
    """What a run is told of the published setting whose prompt it has; None without such a prompt.

    It is the one that differs least.
    """
    alike = [each for each in PUBLISHED if each.prompt == options.prompt]
    if not alike:
        return None
    nearest = min(alike, key=lambda each: len(list(each.differences(options))))
    differences = list(nearest.differences(options))
    if options.prompt_arg:
        differences.append("prompt arguments, there none")
    if not differences:
        return f"set as published ({nearest.name}), but for the wording of the prompt"
    return f"near a published setting ({nearest.name}): {'; '.join(differences)}"
