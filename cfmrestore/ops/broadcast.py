"""Broadcasting of one number an image."""

from torch import Tensor


def expand_as(value: Tensor, like: Tensor) -> Tensor:
    """Give a scalar or (b,) tensor trailing axes, so that it broadcasts against ``like`` of shape (b, ...)."""
    return value if value.dim() == 0 else value.reshape(-1, *[1] * (like.dim() - 1))
