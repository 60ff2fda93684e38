"""The spaces in which a loss compares sets of images."""

from collections.abc import Sequence
from typing import Any, TypeAlias

import torch
from jaxtyping import Float
from torch import Tensor

from cfmrestore.features import Extractor
from cfmrestore.registry import FEATURES, find_class
from cfmrestore.typing import Image, Latent

LATENT, PIXELS = "latent", "pixels"
Space: TypeAlias = str | Extractor
Samples: TypeAlias = Float[Tensor, "_ _ _"]
"""Features by image, place and channel; of whole images there is one place."""


def build_spaces(features: Any) -> list[Space]:
    """Spaces by name, or by a config whose keys beside the type are those of ``Extractor.load``; one, or a list."""
    several = features if isinstance(features, list | tuple) else [features]
    if not several:
        raise ValueError(f"features names a space or more: {LATENT!r}, {PIXELS!r} or a feature extractor")
    return [_build(one) for one in several]


def _build(one: Any) -> Space:
    if isinstance(one, Extractor) or one in (LATENT, PIXELS):
        return one
    keys = dict(one) if isinstance(one, dict) else {"type": one}
    kind = find_class(keys, FEATURES)
    del keys["type"]
    try:
        network: Extractor = kind.load(**keys)
    except TypeError as error:
        raise ValueError(f"the features {kind.__name__} cannot be loaded with {keys}: {error}") from error
    return network


def needs_images(spaces: Sequence[Space]) -> bool:
    """Whether a space looks at pictures, and not at latents alone."""
    return any(space != LATENT for space in spaces)


def samples_of(
    spaces: Sequence[Space], latent: Latent, image: Image | None, places: Float[Tensor, "n p 2"] | None
) -> list[Samples]:
    """The features of images in all spaces: of whole ones, or at places of the maps of each depth.

    Args:
        spaces: The spaces.
        latent: The latents.
        image: The images, where a space needs them.
        places: Places in [0, 1) by height and width, the same of all depths; None takes whole images.
    """
    found = []
    for space in spaces:
        if not isinstance(space, Extractor):
            x = latent if space == LATENT else image
            assert x is not None
            found += [x.flatten(1)[:, None]] if places is None else [_at(x, places)]
        else:
            assert image is not None
            found += [space(image)[:, None]] if places is None else [_at(x, places) for x in space.maps(image)]
    return found


def _at(x: Float[Tensor, "n c h w"], places: Float[Tensor, "n p 2"]) -> Samples:
    """The features of a map at places."""
    sides = torch.tensor(x.shape[-2:], device=x.device)
    row, column = (places * sides).long().minimum(sides - 1).unbind(dim=-1)
    index = (row * x.shape[-1] + column)[:, None].expand(-1, x.shape[1], -1)
    return x.flatten(2).gather(2, index).mT
