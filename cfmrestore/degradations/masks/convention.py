"""A person's own masks, held against the convention that 1 is the hole."""

import torch
from jaxtyping import Float
from torch import Tensor


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
            "(1) is the hole, black (0) what is known; where black is the hole, invert it (--invert)"
        )
    return hole.to(mask)
