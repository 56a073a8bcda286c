"""Running an audit: every row in turn, what they come to, and the files that tell it."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from knm.audit.checks import Check, check_lines
from knm.audit.picture import curve_scene, ladder_scene, write_pictures
from knm.audit.results import Line, RowResult, make_lines
from knm.audit.rows import BASELINE, ROWS, choose_rows, curve_rows
from knm.audit.table import render_markdown
from knm.audit.workbench import AuditSettings, Unavailable, Workbench
from knm.errors import UserError
from knm.jsonio import write_json, write_text
from knm.report import environment_info
from knm.report.text import percent

AUDIT_NAME: Final = "audit.json"
TABLE_NAME: Final = "audit.md"

_MAY_BE_SKIPPED: Final = ROWS.keys() - {BASELINE}


@dataclass(frozen=True)
class Audit:
    """What an audit found.

    `skipped` are rows that could not be run and why; `facts` what all rows have in common.
    """

    facts: dict[str, Any]
    lines: tuple[Line, ...]
    curve: tuple[Line, ...]
    checks: tuple[Check, ...]
    skipped: dict[str, str]

    @property
    def holds(self) -> bool:
        """Whether every check does."""
        return all(check.holds for check in self.checks)

    def to_json(self) -> dict[str, Any]:
        """As plain JSON."""
        return {
            **self.facts,
            "rows": [line.to_json() for line in self.lines],
            "curve": [line.to_json() for line in self.curve],
            "checks": [asdict(check) for check in self.checks],
            "skipped": self.skipped,
        }


def run_audit(
    settings: AuditSettings,
    rows: Sequence[str] | None = None,
    curve: Sequence[int] = (),
    *,
    notify: Callable[[str], None] = lambda _: None,
) -> Audit:
    """Run the rows of these names (default: all that can be) and the curve; write all files.

    What an earlier, interrupted call finished is not done again. `notify` is told of each row.

    Raises:
        UserError: something is missing or does not fit together, so that the LM alone, a row that
            was asked for by name or one of the curve cannot be run; others are skipped.
    """
    bench = Workbench(settings)
    results: list[RowResult] = []
    skipped: dict[str, str] = {}
    for row in [*choose_rows(ROWS if rows is None else rows), *curve_rows(curve)]:
        try:
            if row.against in skipped:
                raise Unavailable(f"{row.against} was skipped")
            result = bench.run(row)
        except (Unavailable, UserError) as reason:
            if rows is not None or row.name not in _MAY_BE_SKIPPED:
                raise UserError(f"row {row.name}: {reason}") from None
            skipped[row.name] = str(reason)
            notify(f"{row.title}: skipped: {reason}")
            continue
        results.append(result)
        notify(_progress_line(result))
    facts = {**bench.facts(), "environment": environment_info(Path.cwd())}
    lines = make_lines(results)
    ladder = tuple(line for line in lines if line.result.row.programs is None)
    audit = Audit(
        facts=facts,
        lines=ladder,
        curve=tuple(line for line in lines if line.result.row.programs is not None),
        checks=tuple(check_lines(ladder)),
        skipped=skipped,
    )
    _write(audit, settings.out)
    return audit


def _progress_line(result: RowResult) -> str:
    trial = result.trial
    totals, speed = trial.totals, trial.tokens_per_second
    line = (
        f"{result.row.title}: {totals.passed} of {totals.counted} ({percent(totals.pass_at_1)}), "
        f"{'-' if speed is None else f'{speed:,.0f}'} tokens/s, {trial.seconds:.1f} s"
    )
    if trial.faults:
        fault = trial.faults[0]
        told = f"{fault.verdict}: {fault.judgement.message:.200}"
        line += f"; {len(trial.faults)} not counted, such as {told}"
    return line


def _write(audit: Audit, out: Path) -> None:
    write_json(out / AUDIT_NAME, audit.to_json())
    write_text(
        out / TABLE_NAME, render_markdown(audit.facts, audit.lines, audit.curve, audit.checks)
    )
    scenes = [ladder_scene(audit.lines)]
    if audit.curve:
        scenes.append(curve_scene(audit.lines, audit.curve))
    write_pictures(scenes, out)
