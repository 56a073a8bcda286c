"""Which configurations a sweep tries next: all of a grid, any, or those that Optuna proposes."""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final, Protocol

from knm.errors import UserError, named
from knm.metrics.space import Choices, Point, Space
from knm.metrics.sweep_options import SearchKind

# Draws that contradict themselves or were made before; after so many in a row there are no more.
_MOST_MISSES: Final = 1_000


class Search(Protocol):
    """Proposes configurations. The same scores told make it propose the same ones again."""

    @property
    def left_out(self) -> int:
        """How many combinations contradicted themselves so far."""
        ...

    def ask(self, count: int) -> list[Point]:
        """At most `count` configurations to score together; none when the search is over."""
        ...

    def tell(self, scores: Sequence[float]) -> None:
        """The scores of those that were asked for last, in their order; more is better."""
        ...


class _Sequence:
    """A search that does not care for scores."""

    def __init__(self, space: Space, combinations: Iterator[Mapping[str, Any]], most: int | None):
        self.left_out = 0
        self._space = space
        self._points = islice(self._valid(combinations), most)

    def ask(self, count: int) -> list[Point]:
        """The next configurations."""
        return list(islice(self._points, count))

    def tell(self, scores: Sequence[float]) -> None:
        """Nothing follows from scores."""

    def _valid(self, combinations: Iterator[Mapping[str, Any]]) -> Iterator[Point]:
        reason = None
        found = False
        for values in combinations:
            try:
                point = self._space.point(values)
            except UserError as error:
                self.left_out += 1
                reason = error
                continue
            found = True
            yield point
        if not found:
            raise UserError(f"the space holds no configuration that is possible: {reason}")


class GridSearch(_Sequence):
    """Every combination, or the first `trials` of them."""

    def __init__(self, space: Space, trials: int | None, seed: int) -> None:
        del seed
        super().__init__(space, space.grid(), trials)


class RandomSearch(_Sequence):
    """`trials` different combinations, drawn with a seed; fewer where there are no more."""

    def __init__(self, space: Space, trials: int | None, seed: int) -> None:
        most = trials or DEFAULT_TRIALS
        # Bounded: draws that contradict themselves may be all that there are.
        super().__init__(space, islice(_distinct(space, seed), 100 * most), most)


class OptunaSearch:
    """`trials` combinations that Optuna's TPE sampler proposes with a seed."""

    def __init__(self, space: Space, trials: int | None, seed: int) -> None:
        """Make a study in memory.

        Raises:
            UserError: Optuna is not installed.
        """
        try:
            import optuna
        except ImportError:
            raise UserError(
                f"{named('search')} optuna: Optuna is not installed; install it with `pip install "
                f"knm[sweep]`, or choose {named('search')} random"
            ) from None
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self.left_out = 0
        self._space = space
        self._left = trials or DEFAULT_TRIALS
        self._failed = optuna.trial.TrialState.FAIL
        sampler = optuna.samplers.TPESampler(seed=seed)
        self._study = optuna.create_study(direction="maximize", sampler=sampler)
        self._asked: list[Any] = []

    def ask(self, count: int) -> list[Point]:
        """The next proposals."""
        points: list[Point] = []
        self._asked = []
        misses = 0
        while self._left and len(points) < count and misses < _MOST_MISSES:
            trial = self._study.ask()
            try:
                point = self._space.point(self._suggest(trial))
            except UserError:
                self._study.tell(trial, state=self._failed)
                self.left_out += 1
                misses += 1
                continue
            self._left -= 1
            points.append(point)
            self._asked.append(trial)
        return points

    def tell(self, scores: Sequence[float]) -> None:
        """Let the sampler learn from scores."""
        for trial, score in zip(self._asked, scores, strict=True):
            self._study.tell(trial, score)

    def _suggest(self, trial: Any) -> Mapping[str, Any]:
        values: dict[str, Any] = {}
        for name, axis in self._space.axes.items():
            if isinstance(axis, Choices):
                # Optuna's categories are plain values; those of an axis may be lists.
                values[name] = axis.values[
                    trial.suggest_categorical(name, list(range(len(axis.values))))
                ]
            elif axis.whole:
                values[name] = trial.suggest_int(name, axis.low, axis.high, log=axis.log)
            else:
                values[name] = axis.rounded(
                    trial.suggest_float(name, axis.low, axis.high, log=axis.log)
                )
        return values


DEFAULT_TRIALS: Final = 50
SEARCHES: Final[Mapping[str, Callable[[Space, int | None, int], Search]]] = {
    SearchKind.GRID: GridSearch,
    SearchKind.RANDOM: RandomSearch,
    SearchKind.OPTUNA: OptunaSearch,
}


def _distinct(space: Space, seed: int) -> Iterator[Mapping[str, Any]]:
    rng = random.Random(f"sweep {seed}")
    seen: set[str] = set()
    misses = 0
    while misses < _MOST_MISSES:
        values = space.draw(rng)
        if repr(values) in seen:
            misses += 1
            continue
        misses = 0
        seen.add(repr(values))
        yield values
