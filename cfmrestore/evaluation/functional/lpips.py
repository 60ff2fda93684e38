"""LPIPS: learned perceptual image patch similarity."""

from importlib.util import find_spec
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor, nn

from cfmrestore.evaluation.functional.prepare import check_batch
from cfmrestore.features.backbones import Backbone
from cfmrestore.hub import check_weights, find_file, read_weights
from cfmrestore.typing import Image, PerImage

_MEAN, _STD = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)  # of images in [-1, 1]
_EPS = 1e-10


class LPIPSNetwork(nn.Module):
    r"""The distance of two images in the features of a classifier, weighted by what people distinguished.

    With :math:`\hat y^l = y^l / |y^l|` along the channels of layer l, and the channels' weights :math:`w_l \ge 0`,

    .. math::
        d(a, b) = \sum_l \frac{1}{H_l W_l} \sum_{h, w} w_l^\top (\hat y^l_{a, hw} - \hat y^l_{b, hw})^2

    Reference: Zhang et al., 2018, equation 1 with the squares of its weights (arXiv:1801.03924).

    Args:
        net: "alex" (the usual metric), "vgg" or "squeeze".
        backbone: File with torchvision's weights of that network, or its folder; None is torch's cache, "random" are
            seeded random weights.
        linear: File with the :math:`w_l`, version 0.1; None is the one in the package lpips.
    """

    shift: Tensor
    scale: Tensor

    def __init__(
        self, net: str = "alex", backbone: str | Path | None = None, *, linear: str | Path | None = None
    ) -> None:
        super().__init__()
        self.backbone = Backbone(net, backbone)
        self.register_buffer("shift", torch.tensor(_MEAN)[:, None, None])
        self.register_buffer("scale", torch.tensor(_STD)[:, None, None])
        for index, w in enumerate(_linear(net, self.backbone.channels, linear)):
            self.register_buffer(f"w_{index}", w)
        self.requires_grad_(False).eval()

    def forward(self, a: Image, b: Image) -> PerImage:
        """The distance of each pair of images in [0, 1]; gradients pass."""
        check_batch(a, b)
        maps = zip(self._maps(a), self._maps(b), strict=True)
        layers = [
            ((y_a - y_b).square() * getattr(self, f"w_{index}")).sum(dim=1).mean(dim=(-2, -1))
            for index, (y_a, y_b) in enumerate(maps)
        ]
        return torch.stack(layers).sum(dim=0)

    def _maps(self, image: Image) -> list[Float[Tensor, "b _ _ _"]]:
        """Features of unit length at each place."""
        maps = self.backbone((2 * image - 1 - self.shift) / self.scale)
        return [y / (y.square().sum(dim=1, keepdim=True).sqrt() + _EPS) for y in maps]


def _linear(net: str, channels: tuple[int, ...], path: str | Path | None) -> list[Float[Tensor, "_ 1 1"]]:
    """The weights of the channels, a tensor a layer."""
    if path is None:
        package = find_spec("lpips")
        if package is None or not package.submodule_search_locations:
            raise ValueError("LPIPS takes its linear weights from the package lpips: install it, or name their file")
        path = Path(package.submodule_search_locations[0]) / "weights" / "v0.1"
    file = find_file(path, f"{net}.pth", purpose="LPIPS")
    weights = read_weights(file)
    names = [f"lin{index}.model.1.weight" for index in range(len(channels))]
    check_weights(weights, {name: torch.empty(1, c, 1, 1) for name, c in zip(names, channels, strict=True)}, file)
    return [weights[name][0] for name in names]
