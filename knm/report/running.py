"""A run as it goes: the line that says how far it is and how well it does."""

from knm.report.schema import ProblemResult


class RunningTotals:
    """Grows with each result; `selected` is how many will come, None where that is not known."""

    def __init__(self, selected: int | None) -> None:
        self.selected = selected
        self.done = 0
        self._passed = 0
        self._faults = 0
        self._tokens = 0
        self._seconds = 0.0

    def add(self, result: ProblemResult) -> None:
        """Count one result."""
        self.done += 1
        self._passed += result.accepted
        self._faults += result.verdict.is_infrastructure
        self._tokens += result.completion_tokens
        self._seconds += result.generation_seconds

    @property
    def decile(self) -> int:
        """How many tenths of the run are done; 0 where nobody knows."""
        return 10 * self.done // self.selected if self.selected else 0

    def line(self) -> str:
        """Such as `42 of 186 · Pass@1 45.2 % (19) · 104 tokens/s`."""
        counted = self.done - self._faults
        parts = [f"{self.done} of {self.selected}" if self.selected else str(self.done)]
        if counted:
            parts.append(f"Pass@1 {100 * self._passed / counted:.1f} % ({self._passed})")
        if self._seconds > 0:
            parts.append(f"{self._tokens / self._seconds:,.0f} tokens/s")
        if self._faults:
            parts.append(f"{self._faults} faults" if self._faults > 1 else "1 fault")
        return " · ".join(parts)
