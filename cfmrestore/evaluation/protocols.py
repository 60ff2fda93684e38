"""Protocols of comparison, by name: numbers of one name can be compared with each other, and with no others.

PSNR and SSIM have several definitions in use, which differ by up to two decibels on the same pictures: which channel,
rounded or not, with or without the border, and what happens to equal images.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from cfmrestore.evaluation.functional import prepare, psnr, ssim
from cfmrestore.evaluation.functional.prepare import LARGE
from cfmrestore.ops.opencv import on_cpu
from cfmrestore.ops.parallel import SINGLE, map_images
from cfmrestore.suggestions import nearest
from cfmrestore.typing import Image, PerImage

Index = Callable[[Tensor, Tensor], PerImage]


@dataclass(frozen=True)
class Protocol:
    """What is compared, in 8-bit images."""

    name: str
    source: str
    channel: str = "y"  # "y": BT.601 luma in studio swing, as MATLAB's rgb2ycbcr; "rgb": all three
    rounded: bool = True  # whether Y is rounded to whole levels again
    rounded_for_ssim: bool = True
    crop: bool = False  # whether a border of as many pixels as the scale is cut
    epsilon: float = 0.0  # added to the mean squared error, where white is 1: a bound for equal images
    clamped: bool = False  # whether the contrast and structure of SSIM count from zero

    def border(self, scale: int | None) -> int:
        """Pixels that are cut at each side."""
        if not self.crop:
            return 0
        if scale is None:
            raise ValueError(f"the protocol {self.name!r} cuts a border of as many pixels as the scale: give the scale")
        return scale

    def prepare(self, image: Image, scale: int | None, *, ssim: bool = False) -> Tensor:
        """Levels 0 to 255 of what is compared."""
        rounded = self.rounded_for_ssim if ssim else self.rounded
        return prepare(image, channel=self.channel, border=self.border(scale), rounded=rounded)

    def psnr(self, image: Image, target: Image, scale: int | None = None) -> PerImage:
        """PSNR in dB."""
        return self._index(partial(psnr, epsilon=self.epsilon), partial(self.prepare, scale=scale), image, target)

    def ssim(self, image: Image, target: Image, scale: int | None = None) -> PerImage:
        """SSIM."""
        prepare = partial(self.prepare, scale=scale, ssim=True)
        return self._index(partial(ssim, clamped=self.clamped), prepare, image, target)

    @staticmethod
    def _index(index: Index, prepare: Callable[[Image], Tensor], image: Image, target: Image) -> PerImage:
        """An index of what is compared; of small images on a CPU each by one thread, which waits for no other."""

        def of_batch(x: Image, y: Image) -> PerImage:
            return index(prepare(x), prepare(y))

        if on_cpu(image) and on_cpu(target) and SINGLE < image[:1].numel() <= LARGE:
            return torch.cat(map_images(of_batch, image.split(1), target.split(1)))
        return of_batch(image, target)

    def luma(self, image: Image, scale: int | None, *, in_color: bool = False) -> Tensor:
        """Rounded luma without the border, whatever the channel; ``in_color`` all channels if the protocol has them."""
        return prepare(image, channel=self.channel if in_color else "y", border=self.border(scale))


_KNOWN = (
    Protocol("classic_y", "the classical benchmarks, as MATLAB's scripts measure", crop=True),
    Protocol(
        "basicsr_y", "basicsr, test_y_channel and crop_border=scale", rounded=False, rounded_for_ssim=False, crop=True
    ),
    Protocol(
        "pyiqa_y", "pyiqa (test_y_channel, ycbcr), as in RealSR papers", rounded=False, epsilon=1e-8, clamped=True
    ),
    Protocol("rgb", "all channels of the whole image", channel="rgb"),
    Protocol("rgb_cropped", "all channels, without a border of the scale", channel="rgb", crop=True),
)
PROTOCOLS = {protocol.name: protocol for protocol in _KNOWN}


def find_protocol(name: str) -> Protocol:
    """The protocol of that name."""
    if name not in PROTOCOLS:
        raise ValueError(f"there is no protocol {name!r}; {nearest(name, PROTOCOLS)}")
    return PROTOCOLS[name]
