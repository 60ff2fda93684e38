"""
A degradation of your own
=========================

A plugin is one class in one file. This one closes a shutter on a part of the picture; the contract of its kind says
whether it keeps what every degradation promises.
"""

from dataclasses import dataclass
from pathlib import Path

import matplotlib.pyplot as plt
import torch

import cfmrestore
from cfmrestore.contracts import CONTRACTS
from cfmrestore.degradations import Compose
from cfmrestore.degradations.base import Degradation, Range, check_range
from cfmrestore.imageio import read_image
from cfmrestore.ops.broadcast import expand_as
from cfmrestore.ops.rng import ImageRng
from cfmrestore.registry import DEGRADATIONS
from cfmrestore.typing import Image, PerImage


@dataclass(frozen=True)
class ShutterParams:
    share: PerImage


@DEGRADATIONS.register_module()
class Shutter(Degradation[ShutterParams]):
    """Rows from some place downwards get a quarter of the light.

    Args:
        share: Range of the share of rows that are lit, drawn uniformly.
    """

    affine = True

    def __init__(self, *, share: Range = (0.3, 0.9)) -> None:
        self.share = check_range("share", share, 0, 1)

    def apply(self, image: Image, params: ShutterParams) -> Image:
        rows = torch.arange(image.shape[-2])[:, None] / image.shape[-2]
        return image * torch.where(rows < expand_as(params.share, image), 1.0, 0.25).to(image)


# %%
# What is checked, and kept: replay from JSON to the same bytes, image by image, all sizes, its algebra.

contract = CONTRACTS["degradation"]
for finding in contract.findings(contract.make("Shutter", {})):
    print("broken:" if finding.broken else "kept:  ", finding.name)

# %%
# From now on a config can name it, in a chain with others.

photographs = Path(cfmrestore.__file__).parents[1] / "data" / "photographs" / "train"
pixels = read_image(photographs / "bridge.jpg")[:256, :320]
image = torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None].float() / 255
chain = Compose(steps=[dict(type="Shutter"), dict(type="MotionBlur"), dict(type="GaussianNoise", sigma=(4, 12))])
batch = image.repeat(3, 1, 1, 1)
low = chain.apply(batch, chain.draw(batch, ImageRng([0, 1, 2])))

figure, axes = plt.subplots(1, 4, figsize=(12, 2.7), layout="constrained")
for axis, (name, picture) in zip(
    axes, [("original", image[0]), *((f"seed {i}", low[i]) for i in range(3))], strict=True
):
    axis.imshow(picture.clamp(0, 1).permute(1, 2, 0))
    axis.set_title(name)
    axis.axis("off")
plt.show()
