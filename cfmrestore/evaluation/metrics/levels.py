"""Metrics of the levels of pixels: what is compared is what the protocol says."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

from torch import Tensor

from cfmrestore.evaluation.functional import prepare, psnr
from cfmrestore.evaluation.functional.gmsd import gmsd
from cfmrestore.evaluation.functional.haarpsi import haarpsi
from cfmrestore.evaluation.functional.ms_ssim import ms_ssim
from cfmrestore.evaluation.functional.niqe import niqe
from cfmrestore.evaluation.metrics.base import ImageMetric, rounded_scale, size_of, text_of_size, whole_scale
from cfmrestore.ops.pad import crop_to
from cfmrestore.ops.resize import resize
from cfmrestore.registry import METRICS
from cfmrestore.typing import PerImage


@METRICS.register_module()
class PSNR(ImageMetric):
    """PSNR in dB, mean over images; those that are equal to their targets are left out where theirs is infinite."""

    needs_scale = True

    def measure(self, image: Tensor, target: Tensor | None, sample: Mapping[str, Any]) -> float:
        assert target is not None
        return float(self.protocol.psnr(image[None], target[None], rounded_scale(sample)))


@METRICS.register_module()
class SSIM(ImageMetric):
    """SSIM, mean over images."""

    needs_scale = True

    def measure(self, image: Tensor, target: Tensor | None, sample: Mapping[str, Any]) -> float:
        assert target is not None
        return float(self.protocol.ssim(image[None], target[None], rounded_scale(sample)))


class LumaMetric(ImageMetric):
    """Compares the rounded luma, without the border that the protocol cuts."""

    needs_scale = True
    in_color: ClassVar[bool] = False
    """Whether it compares all channels where the protocol does."""

    @staticmethod
    @abstractmethod
    def compare(a: Tensor, b: Tensor) -> PerImage:
        """The numbers of levels 0 to 255."""

    def measure(self, image: Tensor, target: Tensor | None, sample: Mapping[str, Any]) -> float:
        assert target is not None
        scale, in_color = rounded_scale(sample), self.in_color
        a, b = (self.protocol.luma(x[None], scale, in_color=in_color) for x in (image, target))
        return float(self.compare(a, b))


@METRICS.register_module()
class MSSSIM(LumaMetric):
    """MS-SSIM of the luma, mean over images; they need 176 pixels a side."""

    compare = staticmethod(ms_ssim)


@METRICS.register_module()
class GMSD(LumaMetric):
    """GMSD of the luma, mean over images; lower is better."""

    higher_is_better = False
    compare = staticmethod(gmsd)


@METRICS.register_module()
class HaarPSI(LumaMetric):
    """HaarPSI, mean over images: in color where the protocol compares colors, otherwise of the luma."""

    in_color = True
    compare = staticmethod(haarpsi)


@METRICS.register_module()
class NIQE(ImageMetric):
    """NIQE as basicsr computes it, mean over images; lower is better.

    Of whole images where no scale is known, by which a protocol could cut a border.
    """

    higher_is_better = False
    needs_target = False

    def measure(self, image: Tensor, target: Tensor | None, sample: Mapping[str, Any]) -> float:
        del target
        return float(niqe(self.protocol.luma(image[None], rounded_scale(sample) or 0)))


@METRICS.register_module()
class LRConsistency(ImageMetric):
    """PSNR of the restoration shrunk by MATLAB's bicubic kernel, against the input, over all channels, in dB.

    An original of HxW shrinks by s to ceil(H / s) x ceil(W / s), its first pixel at the same place whatever its sides:
    so the restoration, cropped as the original is, shrinks by s itself and not by the ratio of its sides. What lies
    beyond s times the input was cut off before it was made, and is here. Where the sample does not name s and no
    integer fits, the input was resized to its size, and so is the restoration.

    Right for inputs that were made so; after another degradation it says how far the restoration moved away from the
    input, of which some is meant.
    """

    needs_target = False

    def measure(self, image: Tensor, target: Tensor | None, sample: Mapping[str, Any]) -> float:
        del target
        if "low" not in sample:
            raise ValueError(f"LRConsistency compares with the input, which {sample.get('name')!r} does not have")
        low, scale = sample["low"], whole_scale(sample)
        size = size_of(low)
        if scale is None:
            shrunk = resize(image[None], size=size)
        else:
            shrunk = resize(crop_to(image, (scale * size[0], scale * size[1]))[None], scale=1 / scale)
        if size_of(shrunk) != size:
            raise ValueError(
                f"{sample.get('name')!r} has {text_of_size(image)} pixels, which do not shrink to the "
                f"{text_of_size(low)} of its input at scale {scale}"
            )
        a, b = (prepare(x, channel="rgb") for x in (shrunk, low[None]))
        return float(psnr(a, b, epsilon=1e-8))
