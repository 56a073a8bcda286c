"""What a run has kept from before, and keeps for the next one: completions and judgements."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from knm.engine import CompletionCache
from knm.judging import JudgementCache, KeepingSandbox
from knm.options import RunOptions
from knm.sandbox import Sandbox


@dataclass(frozen=True)
class FromBefore:
    """How many completions and judgements of a run, or of one of its processes, were kept."""

    completions: int = 0
    judgements: int = 0

    @classmethod
    def of_all(cls, processes: Iterable["FromBefore"]) -> "FromBefore":
        """Of a whole run.

        All processes ask for the same completions, and the first to look found what was there
        before the run; each judges problems of its own.
        """
        found = list(processes)
        return cls(
            min((each.completions for each in found), default=0),
            sum(each.judgements for each in found),
        )

    def __str__(self) -> str:
        """A line that says so; empty where there is nothing to say."""
        told = [
            (f"{count} {what}", how)
            for count, what, how in (
                (self.completions, "completions", "decodes"),
                (self.judgements, "verdicts", "judges"),
            )
            if count
        ]
        if not told:
            return ""
        what, how = (" and ".join(words) for words in zip(*told, strict=True))
        return f"{what} were kept from before; --fresh {how} them again"


class KeptFiles:
    """The files of a run: what any run has kept in its directory, completions and judgements."""

    def __init__(
        self,
        directory: Path,
        options: RunOptions,
        since: float,
        began: float,
        notify: Callable[[str], None],
    ) -> None:
        """Open or create them; times are Unix seconds.

        What they held before `since` is not looked at, and what they held before `began`, when the
        run began, is from before.

        Raises:
            UserError: the directory cannot be made or written.
        """
        self._options = options
        self._since = since
        self._began = began
        self.completions = CompletionCache(directory, notify)
        self.judgements = JudgementCache(directory, notify)

    def around(self, sandbox: Sandbox) -> KeepingSandbox:
        """The run's sandbox, which then judges nothing twice."""
        return KeepingSandbox(
            sandbox,
            self.judgements,
            self._options.language,
            keep_io=self._options.keep_io,
            since=self._since,
            began=self._began,
        )

    def close(self) -> None:
        """Close both."""
        self.completions.close()
        self.judgements.close()
