"""Pareto front of cost and quality."""

from collections.abc import Sequence


def pareto_front(costs: Sequence[float], qualities: Sequence[float], *, higher_is_better: bool = True) -> list[int]:
    """Places of the points that no other equals or beats in both and beats in one, by rising cost."""
    sign = 1 if higher_is_better else -1
    order = sorted(range(len(costs)), key=lambda i: (costs[i], -sign * qualities[i]))
    front: list[int] = []
    for i in order:
        if not front or sign * qualities[i] > sign * qualities[front[-1]]:
            front.append(i)
    return front
