"""Application image by image, where sizes differ on the way."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from cfmrestore.degradations.base import Degradation, P
from cfmrestore.degradations.combine.compose import Compose, ComposeParams, Step
from cfmrestore.ops.parallel import stack_images
from cfmrestore.ops.rng import ImageRng
from cfmrestore.registry import DEGRADATIONS
from cfmrestore.typing import Frame, Image


class EachImage(Degradation[P]):
    """A combinator whose parts are chains, one an image."""

    def apply(self, image: Image, params: P) -> Image:
        self.out_size((image.shape[-2], image.shape[-1]), params)
        if image.device.type == "cpu":
            return stack_images(lambda x, part: part[0].applied(x[None], part[1])[0], image, self.parts(params))
        pairs = zip(image, self.parts(params), strict=True)
        return torch.cat([chain.applied(x[None], p) for x, (chain, p) in pairs])


@dataclass(frozen=True)
class PerImageParams:
    """The parameters of the chain for each image."""

    images: tuple[ComposeParams, ...]


@DEGRADATIONS.register_module()
class PerImage(EachImage[PerImageParams]):
    """Degrade image by image, so that sizes may differ on the way: at the end all must be equal again.

    Args:
        steps: The operators of the chain, or their configs.
    """

    def __init__(self, *, steps: Sequence[Step]) -> None:
        self.chain = Compose(steps=steps)

    def sample(self, frame: Frame, rng: ImageRng) -> PerImageParams:
        return PerImageParams(tuple(self.chain.sample(frame, rng.pick([i])) for i in range(len(rng))))

    def parts(self, params: PerImageParams) -> Iterator[tuple[Degradation[Any], Any]]:
        return ((self.chain, p) for p in params.images)

    def params_to_json(self, params: PerImageParams) -> dict[str, Any]:
        return {"images": [self.chain.params_to_json(p) for p in params.images]}

    def params_from_json(self, data: dict[str, Any]) -> PerImageParams:
        return PerImageParams(tuple(self.chain.params_from_json(p) for p in data["images"]))
