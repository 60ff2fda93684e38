"""Feature extractor base class: what the distances of images, and of sets of images, need of a network."""

import hashlib
from pathlib import Path

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from cfmrestore.ops.resize import resize
from cfmrestore.typing import Image, PerImage

_EPS = 1e-10


class Extractor(nn.Module):
    """A frozen network that turns an image into a feature, and a feature into probabilities of classes."""

    dim: int
    """Length of a feature."""

    @classmethod
    def load(cls, weights: str | Path | None = None) -> "Extractor":
        """The network with its weights, from a file or its folder; without either, from where they usually lie."""
        raise NotImplementedError

    def forward(self, image: Image) -> Float[Tensor, "b d"]:
        """The features of images in [0, 1]."""
        raise NotImplementedError

    def maps(self, image: Image) -> list[Float[Tensor, "b _ _ _"]]:
        """Feature maps of several depths; gradients pass."""
        raise ValueError(f"{type(self).__name__} gives no feature maps, which a distance of two images compares")

    def probabilities(self, features: Float[Tensor, "b d"]) -> Float[Tensor, "b k"]:
        """What the network's classifier makes of features."""
        raise ValueError(
            f"{type(self).__name__} gives no probabilities of classes: take InceptionV3 or EfficientNetLite"
        )

    def class_map(self, image: Image) -> Int[Tensor, "b h w"]:
        """The class of each pixel of images in [0, 1]."""
        raise ValueError(f"{type(self).__name__} gives no classes of pixels, as SceneSegmenter does")

    def attributes(self, image: Image) -> dict[str, Bool[Tensor, " b"]]:
        """By name, which images in [0, 1] show an attribute."""
        raise ValueError(
            f"{type(self).__name__} knows no attributes of images, as AvatarClassifier and DigitClassifier do"
        )

    def doubtful(self, image: Image) -> dict[str, Bool[Tensor, " b"]]:
        """By name, of which images in [0, 1] an attribute lies so near to its limit that a little decides it; those
        that are not named are never in doubt.
        """
        return {}

    def distance(self, a: Image, b: Image) -> PerImage:
        r"""The distance of each pair of images in [0, 1], as LPIPS but without weights of the channels.

        With :math:`\hat y^l = y^l / |y^l|` along the channels of depth l of L,

        .. math::
            d(a, b) = \frac{1}{L} \sum_l \frac{1}{H_l W_l} \sum_{h, w} |\hat y^l_{a, hw} - \hat y^l_{b, hw}|^2

        Reference: Zhang et al., 2018, equation 1 with w = 1, and the mean over depths (arXiv:1801.03924).
        """
        if a.shape != b.shape:
            raise ValueError(f"images of one size are compared; got {tuple(a.shape)} and {tuple(b.shape)}")
        pairs = zip(self.maps(a), self.maps(b), strict=True)
        depths = [(_unit(y_a) - _unit(y_b)).square().sum(dim=1).mean(dim=(-2, -1)) for y_a, y_b in pairs]
        return torch.stack(depths).mean(dim=0)

    def digest(self) -> str:
        """SHA-256 of the weights, which tells two spaces apart."""
        state = hashlib.sha256()
        for name, value in sorted(self.state_dict().items()):
            state.update(f"{name} {value.dtype} {tuple(value.shape)}".encode())
            state.update(value.detach().cpu().contiguous().numpy().tobytes())
        return state.hexdigest()

    def freeze(self) -> None:
        """Fix the weights, and what depends on the mode of a network."""
        self.requires_grad_(False).eval()

    def train(self, mode: bool = True) -> "Extractor":
        """Stay in evaluation mode, also as a part of a model that is trained."""
        return super().train(False)


def enlarged(image: Image, side: int) -> Image:
    """An image whose shorter side is below a number of pixels, enlarged bicubically by the least integer to it."""
    shorter = min(image.shape[-2:])
    return image if shorter >= side else resize(image, scale=-(-side // shorter))


def _unit(y: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
    """Features of length one at each place."""
    return y / (y.square().sum(dim=1, keepdim=True) + _EPS).sqrt()
