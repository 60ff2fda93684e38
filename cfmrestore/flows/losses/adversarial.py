"""Results of few steps that a critic cannot tell from real images by their features."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm

from cfmrestore.features import Extractor
from cfmrestore.flows.losses.base import Prediction
from cfmrestore.flows.losses.generated import GeneratedLoss
from cfmrestore.flows.losses.spaces import Samples
from cfmrestore.registry import LOSSES
from cfmrestore.typing import PerImage

_SIDE = 64  # of the picture by which channels are counted


@LOSSES.register_module()
class Adversarial(GeneratedLoss):
    r"""A critic of features, and the flow that is to deceive it: a projected GAN.

    With features y of results and x of the batch's targets at each depth of the extractor, whose mean square in x is
    brought to 1, a critic D at each depth is trained by the hinge, and the flow by what the critic says of it:

    .. math:: \max(0, 1 - D(x)) + \max(0, 1 + D(\mathrm{sg}\,y)) - D_{\mathrm{sg}}(y) .

    Both are one sum for one optimizer: the first two terms have no gradient in the flow, the last has none in the
    critic. The extractor is frozen, so that a critic is small: two layers at each place, of spectral norm 1. It is
    saved in checkpoints, whose training goes on exactly, and left out of what is published. The number says little of
    the progress; what tells is validation, in the features of another network, and looking.

    Reference: Sauer et al., 2021, Projected GANs Converge Faster (arXiv:2111.01007).

    Args:
        features: A feature extractor with maps, by name or as ``dict(type=..., weights=...)``; or several.
        patches: Places of each map at which it is looked, drawn anew for each image.
        width: Channels of the critic's hidden layer.
        num_intervals, solver, grid, shift, weight: As of ``GeneratedLoss``.
    """

    def __init__(
        self,
        *,
        features: Any = "EfficientNetLite",
        patches: int = 64,
        width: int = 64,
        num_intervals: int | Sequence[int] = 1,
        solver: Any = None,
        grid: Any = None,
        shift: int = 0,
        weight: float = 1.0,
    ) -> None:
        super().__init__(
            features=features, patches=patches, num_intervals=num_intervals, solver=solver, grid=grid, shift=shift,
            weight=weight,
        )  # fmt: skip
        if min(patches, width) < 1 or not all(isinstance(space, Extractor) for space in self.spaces):
            raise ValueError("Adversarial looks at one place or more of the maps of feature extractors, by a layer of 1 "
                             f"channel or more; got features={features!r}, patches={patches}, width={width}")  # fmt: skip
        self.critics = nn.ModuleList(_critic(channels, width) for channels in _depths(self.spaces))

    @property
    def trained(self) -> nn.Module:
        return self.critics

    def __call__(self, prediction: Prediction) -> PerImage:
        generated, real = self.samples(prediction)
        values = [self._of_depth(*depth) for depth in zip(self.critics, generated, real, strict=True)]
        return torch.stack(values).mean(dim=0)

    def compare(self, generated: Samples, real: Samples, label: Tensor | None) -> PerImage:
        raise NotImplementedError("a critic is of a depth")

    def _of_depth(self, critic: nn.Module, generated: Samples, real: Samples) -> PerImage:
        """The sum for each image, the mean over its places."""
        scale = real.square().mean().clamp_min(1e-12).rsqrt()
        x, y = real * scale, generated * scale
        hinge = F.relu(1 - critic(x)) + F.relu(1 + critic(y.detach()))
        fixed = {name: value.detach() for name, value in critic.state_dict(keep_vars=True).items()}
        return (hinge - functional_call(critic, fixed, (y,))).mean(dim=(1, 2))


def _critic(channels: int, width: int) -> nn.Module:
    sizes = (channels, width, 1)
    first, last = (spectral_norm(nn.Linear(a, b)) for a, b in pairwise(sizes))
    return nn.Sequential(first, nn.LeakyReLU(0.2), last)


def _depths(spaces: Sequence[Any]) -> list[int]:
    """The channels of all maps."""
    with torch.no_grad():
        return [maps.shape[1] for space in spaces for maps in space.maps(torch.zeros(1, 3, _SIDE, _SIDE))]
