"""The same audit of several models, and whether they agree on what is better."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import combinations, permutations
from pathlib import Path
from typing import Any, Final

from knm.audit.checks import SIGNIFICANT
from knm.audit.results import compare
from knm.audit.rows import BASELINE, Role
from knm.audit.running import Audit, run_audit
from knm.audit.workbench import AuditSettings
from knm.errors import UserError, named
from knm.jsonio import write_json, write_text
from knm.report.markdown import escape, table
from knm.report.text import points
from knm.statistics import kendall_tau

SUMMARY_NAME: Final = "models.json"
SUMMARY_TABLE_NAME: Final = "models.md"


@dataclass(frozen=True)
class Reversal:
    """Two models that disagree beyond chance on which of two rows is better."""

    rows: tuple[str, str]
    first_better_in: str
    second_better_in: str


@dataclass(frozen=True)
class Agreement:
    """How audits of several models agree.

    `ranking` orders rows by their mean gain over the LM alone; `gains` are those gains by row and
    model, in shares of the problems. `tau` is Kendall's tau-b between the rankings of each two
    models, None where one has none.
    """

    models: tuple[str, ...]
    ranking: tuple[str, ...]
    gains: Mapping[str, Mapping[str, float]]
    tau: Mapping[str, float | None]
    reversals: tuple[Reversal, ...]

    @property
    def agree(self) -> bool:
        """Whether no two models disagree beyond chance on which of two rows is better."""
        return not self.reversals

    def to_json(self) -> dict[str, Any]:
        """As plain JSON."""
        return {**asdict(self), "agree": self.agree}


def audit_models(
    models: Sequence[str],
    settings: AuditSettings,
    rows: Sequence[str] | None,
    curve: Sequence[int] = (),
    *,
    notify: Callable[[str], None] = lambda _: None,
) -> tuple[dict[str, Audit], Agreement]:
    """Audit each model into a directory of its own in `settings.out`, and compare the audits.

    Raises:
        UserError: as `run_audit`, or two models have directories of the same name.
    """
    names = [Path(model).name for model in models]
    if len(set(names)) < len(names):
        raise UserError(
            f"{named('models')} {','.join(models)}: two have the same last name; rename one"
        )
    audits = {}
    for name, model in zip(names, models, strict=True):
        notify(f"model {name}")
        own = replace(settings, model=model, out=settings.out / name)
        audits[name] = run_audit(own, rows, curve, notify=notify)
    agreement = compare_audits(audits)
    write_json(settings.out / SUMMARY_NAME, agreement.to_json())
    write_text(settings.out / SUMMARY_TABLE_NAME, render_agreement(agreement))
    return audits, agreement


def compare_audits(audits: Mapping[str, Audit]) -> Agreement:
    """Whether the audits rank their common rows alike; rows of another language are left out."""
    results = {
        model: {line.result.row.name: line.result for line in audit.lines}
        for model, audit in audits.items()
    }
    common = [
        line.result.row.name
        for line in next(iter(audits.values())).lines
        if line.result.row.against == BASELINE
        and line.result.row.role not in {Role.IDENTITY, Role.REFERENCE}
        and all(line.result.row.name in found for found in results.values())
    ]
    gains = {
        row: {
            model: compare(found[row], found[BASELINE]).change
            / max(found[row].trial.totals.counted, 1)
            for model, found in results.items()
        }
        for row in common
    }
    reversals = []
    for one, other in combinations(common, 2):
        changes = {model: compare(found[one], found[other]) for model, found in results.items()}
        sure = {model: change for model, change in changes.items() if change.p < SIGNIFICANT}
        reversals += [
            Reversal((one, other), first, second)
            for first, second in permutations(sure, 2)
            if sure[first].change > 0 > sure[second].change
        ]
    return Agreement(
        models=tuple(audits),
        ranking=tuple(sorted(common, key=lambda row: -sum(gains[row].values()))),
        gains=gains,
        tau={
            f"{one}, {other}": kendall_tau(
                [gains[row][one] for row in common], [gains[row][other] for row in common]
            )
            for one, other in combinations(audits, 2)
        },
        reversals=tuple(reversals),
    )


def render_agreement(agreement: Agreement) -> str:
    """The agreement as Markdown."""
    head = ("Row", *map(escape, agreement.models), "Mean")
    body = []
    for row in agreement.ranking:
        gains = [agreement.gains[row][model] for model in agreement.models]
        body.append((escape(row), *map(points, gains), points(sum(gains) / len(gains))))
    blocks = [
        "# Gain over the LM alone, in points of Pass@1, by model",
        table([head, *body]),
        "Kendall's tau-b of the rankings: "
        + "; ".join(
            f"{escape(pair)}: {'-' if tau is None else f'{tau:.2f}'}"
            for pair, tau in agreement.tau.items()
        )
        + ".",
    ]
    if agreement.agree:
        blocks.append("No two models disagree beyond chance on which of two rows is better.")
    for reversal in agreement.reversals:
        one, other = map(escape, reversal.rows)
        blocks.append(
            f"Disagreement beyond chance: {one} is better than {other} in "
            f"{escape(reversal.first_better_in)}, worse in {escape(reversal.second_better_in)}."
        )
    return "\n\n".join(blocks) + "\n"
