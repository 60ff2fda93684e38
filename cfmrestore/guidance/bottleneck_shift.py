"""Shift of a network's bottleneck: a velocity whose deepest features are moved along a direction."""

from functools import partial

from torch import Tensor, nn

from cfmrestore.networks.bottleneck import at_bottleneck
from cfmrestore.ops.broadcast import expand_as
from cfmrestore.typing import BoolPerImage, Features, Latent, Time, Velocity


class BottleneckShift:
    r"""The velocity of a network that goes on with :math:`h + \delta` in place of the features h of its bottleneck.

    h is that of the same evaluation, at the same point and time: a shift of 0 is the velocity, bit for bit.

    Reference: Kwon et al., 2023, Asyrp (arXiv:2210.10960), section 4.

    Args:
        velocity: A velocity of the network; guided ones put their rows one behind the other.
        network: The network.
        shift: delta, one an image, in the shape of the features.
        interval: First and last time of the shift.
    """

    def __init__(
        self,
        velocity: Velocity,
        network: nn.Module,
        shift: Features,
        interval: tuple[float, float] = (0.0, 1.0),
    ) -> None:
        self.velocity, self.network, self.shift, self.interval = velocity, network, shift, interval

    def __call__(self, x: Latent, t: Time, *r: Time) -> Latent:
        inside = (t >= self.interval[0]) & (t <= self.interval[1])
        if not bool(inside.any()):
            return self.velocity(x, t, *r)
        with at_bottleneck(self.network, partial(self._moved, inside.expand(len(x)))):
            return self.velocity(x, t, *r)

    def _moved(self, inside: BoolPerImage, features: Tensor) -> Tensor:
        if features.shape[1:] != self.shift.shape[1:]:
            raise ValueError(
                f"a shift of shape {tuple(self.shift.shape[1:])} is for other features than those of shape "
                f"{tuple(features.shape[1:])}: it fits images of the size that it was fitted to"
            )
        shift = self.shift.to(features) * expand_as(inside.to(features), features)
        return features + shift.repeat(len(features) // len(shift), *[1] * (shift.dim() - 1))
