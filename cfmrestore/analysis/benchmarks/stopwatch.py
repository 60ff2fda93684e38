"""Time by parts of a program, each without the parts that it calls."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any


class Stopwatch:
    """Seconds of every part.

    Args:
        clock: Seconds, as of ``clock_of``.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self._inside: list[str] = []
        self._since = 0.0

    @property
    def inside(self) -> str:
        """The part whose turn it is."""
        return self._inside[-1]

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """What is done inside belongs to that part; to the part around it nothing of it does."""
        self._change()
        self._inside.append(name)
        try:
            yield
        finally:
            self._change()
            self._inside.pop()

    def _change(self) -> None:
        now = self.clock()
        if self._inside:
            self.seconds[self._inside[-1]] += now - self._since
        self._since = now

    def reset(self) -> None:
        """Forget what was measured; parts that are open go on from now."""
        self.seconds.clear()
        self._since = self.clock()

    def watch(self, owner: Any, method: str, name: str) -> None:
        """Let a method of an object belong to a part."""
        function = getattr(owner, method)

        @wraps(function)
        def timed(*args: Any, **keys: Any) -> Any:
            with self.part(name):
                return function(*args, **keys)

        object.__setattr__(owner, method, timed)

    def items(self, iterator: Iterator[Any], name: str) -> Iterator[Any]:
        """What an iterator gives; its work belongs to a part."""
        while True:
            with self.part(name):
                item = next(iterator, self)
            if item is self:
                return
            yield item

    def milliseconds(self, count: int) -> dict[str, float]:
        """Of one of ``count`` rounds, the dearest part first."""
        dearest = sorted(self.seconds.items(), key=lambda item: -item[1])
        return {name: 1e3 * seconds / count for name, seconds in dearest}
