"""Protocols of comparison, by name: numbers of one name can be compared with each other, and with no others.

PSNR and SSIM have several definitions in use, which differ by up to two decibels on the same pictures: which channel,
rounded or not, with or without the border, and what happens to equal images.
"""

from dataclasses import dataclass
from functools import partial

from torch import Tensor

from cfmrestore.evaluation.functional import prepare, psnr, ssim
from cfmrestore.ops.opencv import on_cpu
from cfmrestore.ops.parallel import SINGLE, map_images
from cfmrestore.registry import nearest
from cfmrestore.typing import Image, PerImage


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
        return psnr(*self._both(image, target, scale), epsilon=self.epsilon)

    def ssim(self, image: Image, target: Image, scale: int | None = None) -> PerImage:
        """SSIM."""
        return ssim(*self._both(image, target, scale, ssim=True), clamped=self.clamped)

    def _both(self, image: Image, target: Image, scale: int | None, *, ssim: bool = False) -> list[Tensor]:
        """What is compared of the two: on a CPU side by side, each by one thread that waits for no other."""
        prepare = partial(self.prepare, scale=scale, ssim=ssim)
        if on_cpu(image) and image.numel() > SINGLE:
            return map_images(prepare, (image, target))
        return [prepare(image), prepare(target)]

    def luma(self, image: Image, scale: int | None) -> Tensor:
        """Rounded luma, without the border: what metrics of brightness alone compare, whatever the channel."""
        return prepare(image, channel="y", border=self.border(scale))

    def levels(self, image: Image, scale: int | None) -> Tensor:
        """Rounded luma, or all channels if the protocol compares these, without the border."""
        return prepare(image, channel=self.channel, border=self.border(scale))


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
