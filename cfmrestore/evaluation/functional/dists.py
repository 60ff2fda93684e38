"""DISTS: deep image structure and texture similarity."""

from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from cfmrestore.evaluation.functional.prepare import check_batch
from cfmrestore.features.backbones import Backbone
from cfmrestore.hub import check_weights, find_file, read_weights
from cfmrestore.typing import Image, PerImage

_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_C_1 = _C_2 = 1e-6
_NAME = "weights.pt"


class DISTSNetwork(nn.Module):
    r"""One minus the weighted similarity of means (texture) and of correlations (structure) in VGG16's features.

    Over the channels j of the image itself (i = 0) and of five stages of the network, whose pooling is
    :class:`L2Pool`,

    .. math::
        D(a, b) &= 1 - \sum_{i, j} \left(\alpha_{ij} \, l(a_j^i, b_j^i) + \beta_{ij} \, s(a_j^i, b_j^i)\right) \\
        l &= \frac{2 \mu_a \mu_b + c_1}{\mu_a^2 + \mu_b^2 + c_1}, \qquad
        s = \frac{2 \sigma_{ab} + c_2}{\sigma_a^2 + \sigma_b^2 + c_2}

    where :math:`\sum \alpha + \sum \beta = 1` and :math:`c_1 = c_2 = 10^{-6}`. The weights were fitted to images whose
    shorter side is 256 pixels.

    Reference: Ding et al., 2020 (arXiv:2004.07728).

    Args:
        backbone: File with torchvision's weights of VGG16, or its folder; None is torch's cache, "random" are seeded
            random weights.
        weights: File ``weights.pt`` of the package dists-pytorch with ``alpha`` and ``beta``, or its folder; None is
            torch's cache.
    """

    mean: Tensor
    std: Tensor
    alpha: Tensor
    beta: Tensor

    def __init__(self, backbone: str | Path | None = None, *, weights: str | Path | None = None) -> None:
        super().__init__()
        self.backbone = Backbone("vgg", backbone, pool=L2Pool)
        self.register_buffer("mean", torch.tensor(_MEAN)[:, None, None])
        self.register_buffer("std", torch.tensor(_STD)[:, None, None])
        file = find_file(weights, _NAME, purpose="DISTS")
        read, expected = read_weights(file), torch.empty(1, 3 + sum(self.backbone.channels), 1, 1)
        check_weights(read, {"alpha": expected, "beta": expected}, file)
        alpha, beta = (read[name].detach().flatten() for name in ("alpha", "beta"))  # of texture and of structure
        total = alpha.sum() + beta.sum()
        self.register_buffer("alpha", alpha / total)
        self.register_buffer("beta", beta / total)
        self.requires_grad_(False).eval()

    def forward(self, a: Image, b: Image) -> PerImage:
        """The distance of each pair of images in [0, 1]; gradients pass."""
        check_batch(a, b)
        pairs = [_similarities(x, y) for x, y in zip(self._maps(a), self._maps(b), strict=True)]
        texture, structure = (torch.cat(parts, dim=1) for parts in zip(*pairs, strict=True))
        return 1 - (texture * self.alpha + structure * self.beta).sum(dim=1)

    def _maps(self, image: Image) -> list[Float[Tensor, "b _ _ _"]]:
        return [image, *self.backbone((image - self.mean) / self.std)]


class L2Pool(nn.Module):
    r"""Blur the energy, and halve the resolution: :math:`\sqrt{g * x^2}` with Hann's window of 3x3, stride 2.

    Reference: Hénaff and Simoncelli, 2016 (arXiv:1511.06394).
    """

    window: Tensor

    def __init__(self) -> None:
        super().__init__()
        g = torch.tensor([0.25, 0.5, 0.25])
        self.register_buffer("window", torch.outer(g, g)[None, None])

    def forward(self, x: Float[Tensor, "b c _ _"]) -> Float[Tensor, "b c _ _"]:
        channels = x.shape[1]
        energy = F.conv2d(x.square(), self.window.expand(channels, -1, -1, -1), stride=2, padding=1, groups=channels)
        return (energy + 1e-12).sqrt()


def _similarities(
    x: Float[Tensor, "b c h w"], y: Float[Tensor, "b c h w"]
) -> tuple[Float[Tensor, "b c"], Float[Tensor, "b c"]]:
    """Similarities of means, and of deviations from them."""
    mu_x, mu_y = x.mean(dim=(-2, -1), keepdim=True), y.mean(dim=(-2, -1), keepdim=True)
    x, y = x - mu_x, y - mu_y
    texture = (2 * mu_x * mu_y + _C_1) / (mu_x**2 + mu_y**2 + _C_1)
    variances = x.square().mean(dim=(-2, -1)) + y.square().mean(dim=(-2, -1))
    return texture.flatten(1), (2 * (x * y).mean(dim=(-2, -1)) + _C_2) / (variances + _C_2)
