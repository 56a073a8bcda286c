"""Which texts stand in the rows of a batch that another engine fills, moves and empties."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, eq=False)
class Served:
    """One text: token ids of its prompt (None: it has none) and, as they come, of what follows.

    `written` is the engine's own list: it grows, and while its text lives it is the same one.
    """

    prompt: Sequence[int] | None
    written: Sequence[int]


class Batch:
    """The texts of a batch by row; told of every step before the model computes."""

    def __init__(self) -> None:
        self._rows: dict[int, Served] = {}
        self._due = False

    def begin_step(
        self,
        removed: Iterable[int] = (),
        added: Iterable[tuple[int, Served]] = (),
        moved: Iterable[tuple[int, int, bool]] = (),
    ) -> None:
        """A step begins, with these changes since the last, in this order.

        Moves are from one row to another; True exchanges the two.
        """
        for row in removed:
            self._rows.pop(row, None)
        self._rows.update(added)
        for here, there, exchanged in moved:
            ours, theirs = self._rows.pop(here, None), self._rows.pop(there, None)
            if ours is not None:
                self._rows[there] = ours
            if exchanged and theirs is not None:
                self._rows[here] = theirs
        self._due = True

    def take(self, rows: int) -> list[Served] | None:
        """The texts whose next tokens the step's first logits, of so many rows, are for.

        None for all further ones, which are of prompts, and for those of no step at all.

        Raises:
            RuntimeError: the step has another number of texts.
        """
        if not self._due:
            return None
        self._due = False
        if sorted(self._rows) != list(range(rows)):
            raise RuntimeError(
                f"the model gives {rows} rows of logits for texts in rows {sorted(self._rows)}"
            )
        return [self._rows[row] for row in range(rows)]
