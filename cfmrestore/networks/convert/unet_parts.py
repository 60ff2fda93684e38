"""The parts of our U-Net in the order in which they are run, by which other projects number theirs."""

from collections.abc import Collection, Iterator
from typing import NamedTuple

from torch import Tensor

from cfmrestore.networks.convert.layout import NotThisNetworkError


class Part(NamedTuple):
    """A part of the U-Net.

    Args:
        side: "encoder", "middle" or "decoder".
        level: Its level; of what changes the size, that to which it leads.
        number: Which residual block of the level; -1 for what changes the size.
        ours: Its name.
        attends: Whether there is an attention behind the block.
    """

    side: str
    level: int
    number: int
    ours: str
    attends: bool = False


def unet_parts(levels: int, blocks: int, attention_levels: Collection[int]) -> Iterator[Part]:
    """All parts between stem and head."""
    index = 0
    for level in range(levels):
        if level:
            yield Part("encoder", level, -1, f"down.{index}")
            index += 1
        for number in range(blocks):
            yield Part("encoder", level, number, f"down.{index}", level in attention_levels)
            index += 1
    yield Part("middle", levels - 1, 0, "middle.0", True)
    yield Part("middle", levels - 1, 1, "middle.1")
    index = 0
    for level in reversed(range(levels)):
        for number in range(blocks + 1):
            yield Part("decoder", level, number, f"up.{index}", level in attention_levels)
            index += 1
        if level:
            yield Part("decoder", level - 1, -1, f"up.{index}")
            index += 1


def factors_of(widths: list[int], base: int, project: str) -> list[int]:
    """Factors of the levels' channels."""
    if bad := [width for width in widths if width % base]:
        raise NotThisNetworkError(f"levels of {project} have whole multiples of {base} channels; got {bad}")
    if widths[0] != base:
        raise NotThisNetworkError(f"the first level of {project} has {base} channels here; got {widths[0]}")
    return [width // base for width in widths]


def widened(value: Tensor) -> Tensor:
    """The weight of a convolution along one axis as that of one along two; all else as it is."""
    return value[..., None] if value.dim() == 3 else value


def narrowed(value: Tensor) -> Tensor:
    """The inverse of ``widened``."""
    return value.squeeze(-1) if value.dim() == 4 else value
