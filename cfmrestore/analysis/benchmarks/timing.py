"""Timing several things in turn."""

import time
from collections.abc import Callable, Sequence
from statistics import quantiles
from typing import Any


def in_turn(functions: dict[str, Callable[[int], Any]], rounds: int) -> dict[str, list[float]]:
    """Seconds of every round, the functions in turn, after one round that does not count."""
    seconds: dict[str, list[float]] = {name: [] for name in functions}
    for number in range(rounds + 1):
        for name, function in functions.items():
            began = time.perf_counter()
            function(number)
            if number:
                seconds[name].append(time.perf_counter() - began)
    return seconds


def quartiles(seconds: Sequence[float]) -> list[float]:
    """Quartiles within what was measured; of one round that round."""
    return quantiles(seconds, n=4, method="inclusive") if len(seconds) > 1 else 3 * list(seconds)
