"""Patches of large images: where they lie, and what is in them."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from cfmrestore.ops.rng import ImageRng, key_of, mix
from cfmrestore.typing import Size


def patch_places(seed: int, image_id: int | str, size: Size, patch: int, count: int) -> Int[Tensor, "n 2"]:
    """Top left corners, drawn uniformly from all that leave the patch inside; two may be the same.

    They depend on these arguments alone, so that the restored and the real image are cut at the same places, in
    whatever order and on whatever rank. FID over such patches (p-FID) judges details that are lost when a large image
    is resized to the network's 299 pixels.

    Reference: Chai et al., 2022 (arXiv:2204.07156).
    """
    height, width = size
    if not 1 <= patch <= min(height, width):
        raise ValueError(f"a patch has between 1 pixel and the image's shorter side; got {patch=} in {height}x{width}")
    key = key_of(image_id) if isinstance(image_id, str) else image_id
    rng = ImageRng([mix(seed, key)]).fork("patches")
    return torch.stack([rng.integers(0, side - patch, count)[0] for side in (height, width)], dim=1)


def cut_patches(image: Float[Tensor, "c h w"], places: Int[Tensor, "n 2"], patch: int) -> Float[Tensor, "n c p p"]:
    """The patches whose top left corners these are."""
    height, width = image.shape[-2:]
    corners = [(int(top), int(left)) for top, left in places]
    for top, left in corners:
        if not (0 <= top <= height - patch and 0 <= left <= width - patch):
            raise ValueError(f"a patch of {patch} pixels at {top, left} leaves the image of {height}x{width}")
    cut = [image[:, top : top + patch, left : left + patch] for top, left in corners]
    return torch.stack(cut) if cut else image.new_empty(0, len(image), patch, patch)
