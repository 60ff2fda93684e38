"""What was read last, kept for a while."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any


class Recent:
    """A function of one argument whose last results are kept; another process, which gets a copy, begins with none.

    Args:
        function: It can be pickled.
        count: How many results; 0 for none.
    """

    def __init__(self, function: Callable[[Any], Any], count: int) -> None:
        self.function, self.count = function, count
        self._call: Callable[[Any], Any] = lru_cache(maxsize=count)(function) if count else function

    def __call__(self, argument: Any) -> Any:
        return self._call(argument)

    def __reduce__(self) -> tuple[Any, ...]:
        return Recent, (self.function, self.count)
