"""Holes as conditions need them: of a chain that was drawn, and of a person's own mask."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from cfmrestore.degradations.base import Degradation
from cfmrestore.degradations.combine.compose import Compose
from cfmrestore.degradations.masks.mask import MaskDegradation
from cfmrestore.typing import Size


def holes_of(degradation: Degradation[Any], size: Size, params: Any) -> Float[Tensor, "b 1 h w"] | None:
    """The holes that a mask cut, or the masks of a chain all together: 1 in them, 0 elsewhere, on the CPU.

    Args:
        degradation: A mask, or a ``Compose``.
        size: Height and width of the image that was degraded; operators before and behind the mask must keep it.
        params: What the degradation drew.

    Returns:
        None where there is no mask.
    """
    if isinstance(degradation, MaskDegradation):
        return degradation.mask(size, params)
    if not isinstance(degradation, Compose):
        return None
    holes = None
    for step, own in degradation.parts(params):
        found = holes_of(step, size, own)
        if found is not None:
            holes = found if holes is None else torch.maximum(holes, found)
    if holes is not None and degradation.out_size(size, params) != size:
        raise ValueError("a chain with a mask must keep the size of the image: leave out what resizes it")
    return holes


def check_convention(mask: Float[Tensor, "h w"]) -> Float[Tensor, "h w"]:
    """A person's own mask, exactly 0 or 1, or an error where it is none or plainly inverted.

    1 (white) is the hole. A mask is plainly inverted if it marks the whole rim and more than half of the image, and
    what it leaves is less than a tenth, or no rectangle, which the photograph amid an outpainting is.

    Args:
        mask: Brightness in [0, 1]; soft edges are rounded.
    """
    gray = float(((mask > 0.05) & (mask < 0.95)).double().mean())
    if gray > 0.05:
        raise ValueError(
            f"{gray:.0%} of the mask is gray: a mask is white (1) in the hole and black (0) where the image is known"
        )
    hole = mask > 0.5
    share = float(hole.double().mean())
    if share == 1:
        raise ValueError("the mask marks everything as hole: white (1) is the hole, black (0) what is known")
    rim = torch.cat([hole[[0, -1]].flatten(), hole[:, [0, -1]].flatten()])
    rows, columns = ((~hole).any(dim=axis).nonzero().flatten() for axis in (1, 0))
    box = int(rows[-1] - rows[0] + 1) * int(columns[-1] - columns[0] + 1)
    rectangle = int((~hole).sum()) > 0.98 * box
    if share > 0.5 and float(rim.double().mean()) > 0.99 and (share > 0.9 or not rectangle):
        raise ValueError(
            f"the mask marks {share:.0%} of the image as hole, with all of its rim, so it seems to be inverted: white "
            "(1) is the hole, black (0) what is known; where black is the hole, give --invert"
        )
    return hole.to(mask)
