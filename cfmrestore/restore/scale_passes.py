"""How a scale is reached with a model that was trained for another."""

import math
from dataclasses import dataclass

from cfmrestore.typing import Size


@dataclass(frozen=True)
class Pass:
    """One run of the model: its input is first resized by ``before``, its output by ``after``."""

    before: float = 1.0
    after: float = 1.0


def passes(scale: float, own: int) -> list[Pass]:
    """The runs whose scales multiply to ``scale``.

    Below the model's own scale it runs once and its result is shrunk. Above it runs as often as it takes; what goes
    into the last run is shrunk so far that the result has the right size: never below the size of the input, so that
    nothing of it is lost, and no pixel is made in vain.
    """
    if own == 1:
        return [Pass(before=max(scale, 1.0), after=min(scale, 1.0))]
    count = max(1, math.ceil(math.log(scale, own) - 1e-9))
    rest = scale / own**count
    if count == 1:
        return [Pass(after=rest)]
    return [*[Pass()] * (count - 1), Pass(before=rest)]


def target_size(size: Size, scale: float) -> Size:
    """Height and width of the result: rounded, at least a pixel."""
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))
