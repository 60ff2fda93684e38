"""How much of a restoration is done."""

from collections.abc import Callable

OnProgress = Callable[[float], None]


class Progress:
    """Counts evaluations of tiles within rounds (color, transparency), passes and stages.

    Args:
        on_progress: Called with the done part, which never falls but where memory ran out and work begins again.
    """

    def __init__(self, on_progress: OnProgress | None) -> None:
        self.on_progress = on_progress or (lambda done: None)
        self.rounds, self._round = 1, -1
        self._pass, self._passes = 0, 1
        self._stage, self._stages = 0, 1
        self._done, self._expected = 0, 1

    def at(self, index: int, count: int) -> None:
        """A pass begins."""
        self._round += index == 0
        self._pass, self._passes = index, count

    def stage(self, index: int, count: int) -> None:
        """A stage of a pass begins."""
        self._stage, self._stages, self._done = index, count, 0

    def expect(self, evaluations: int | None) -> None:
        """So many to come; None where the solver decides on the way."""
        self._expected = evaluations or 0

    def step(self) -> None:
        """An evaluation is done."""
        self._done += 1
        expected = self._expected or self._done + 20
        self._tell(min(self._done / expected, 1.0))

    def restart(self) -> None:
        """A stage begins again."""
        self._done = 0
        self._tell(0.0)

    def finish(self) -> None:
        self.on_progress(1.0)

    def _tell(self, part: float) -> None:
        part = (self._stage + part) / self._stages
        part = (self._pass + part) / self._passes
        self.on_progress(0.99 * (max(self._round, 0) + part) / self.rounds)
