"""Masks that a person gives: of any kind of image, 1 in the holes."""

from collections.abc import Collection
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from cfmrestore.degradations.masks.convention import check_convention
from cfmrestore.imageio import images_by_name
from cfmrestore.restore.image_kinds import unpack
from cfmrestore.typing import Image


def mask_files(names: Collection[str], masks: str | Path) -> list[Path]:
    """The file of each image's mask: one for all, or those of the same names, as of ``images_by_name``."""
    if not Path(masks).exists():
        raise ValueError(f"there is no mask, or folder of masks, {str(masks)!r}")
    found = images_by_name(masks)
    if len(found) == 1:
        return list(found.values()) * len(names)
    if missing := [name for name in names if name not in found]:
        raise ValueError(f"there is no mask in {str(masks)!r} for {', '.join(missing[:5])}: masks have their names")
    return [found[name] for name in names]


def mask_of(mask: Any, image: Image) -> Tensor:
    """The mask of a batch, (b, 1, h, w) of 0 and 1, from an image of any kind: white, or opaque, is a hole.

    An image with transparency is a mask by its alpha, which is what a brush on an empty layer leaves.
    """
    planes, _ = unpack(mask)
    drawn = planes.color.mean(dim=1, keepdim=True)
    if planes.alpha is not None and bool((planes.alpha != 1).any()):
        drawn = planes.alpha
    size, needed = tuple(drawn.shape[-2:]), tuple(image.shape[-2:])
    if size != needed:
        raise ValueError(
            f"a mask has the size of its image; got {size[1]}x{size[0]} pixels for {needed[1]}x{needed[0]}"
        )
    if len(drawn) not in (1, len(image)):
        raise ValueError(f"one mask, or one an image; got {len(drawn)} for {len(image)}")
    holes = torch.stack([check_convention(one[0])[None] for one in drawn]).expand(len(image), -1, -1, -1)
    if not bool(holes.any()):
        raise ValueError("the mask has no hole: it is white where the image is to be filled")
    return holes
