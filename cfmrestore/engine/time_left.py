"""Progress line on the console: what is worked on, how much is done, and how long it will take."""

import sys
import time
from collections.abc import Sequence

_QUIET = 0.2  # seconds between two changes of the line


class TimeLeft:
    """Progress over items of different weight.

    On a terminal the line changes in place; elsewhere every item that is done gets a line of its own.

    Args:
        weights: How much work each item is thought to be.
    """

    def __init__(self, weights: Sequence[float]) -> None:
        self.weights, self.index, self.name = list(weights), 0, ""
        self.began = self.shown = time.monotonic()
        self.detail = ""
        self.live = sys.stderr.isatty()

    def begin(self, name: str) -> None:
        """The next item."""
        self.name, self.detail = name, ""
        self.update(0.0)

    def set_size(self, size: tuple[int, int]) -> None:
        """Height and width of the item."""
        self.detail = f" {size[1]}x{size[0]}"

    def update(self, part: float) -> None:
        """So much of the item is done, from 0 to 1."""
        now = time.monotonic()
        if self.live and (now - self.shown > _QUIET or part in (0.0, 1.0)):
            self.shown = now
            print(f"\r{self._line(part)}\x1b[K", end="", file=sys.stderr, flush=True)

    def end(self) -> None:
        """The item is done."""
        if not self.live:
            print(self._line(1.0), file=sys.stderr, flush=True)
        self.index += 1

    def close(self) -> None:
        """Nothing follows."""
        if self.live and self.weights:
            print(file=sys.stderr)

    def _line(self, part: float) -> str:
        whole = sum(self.weights)
        done = (sum(self.weights[: self.index]) + part * self.weights[self.index]) / whole
        passed = time.monotonic() - self.began
        left = (
            f", {_clock(passed * (1 - done) / done)} left" if 0 < done < 1 else f", took {_clock(passed)}" * (done >= 1)
        )
        return f"{self.index + 1}/{len(self.weights)} {self.name}{self.detail} {100 * part:.0f} %{left}"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
