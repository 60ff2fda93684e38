"""Control of an end: a velocity that is led to a given start or to given data."""

from collections.abc import Callable

import torch

from cfmrestore.paths.base import Path
from cfmrestore.typing import Latent, Time, Velocity


class EndControl:
    r"""The velocity :math:`(1 - s_t)\, v(x, t) + s_t\, v(x, t \mid x_e)`, led to one end of its path.

    The velocity of the path through x that has this end is, on the straight path,

    .. math:: v(x, t \mid x_0) = \frac{x - x_0}{t}, \qquad v(x, t \mid x_1) = \frac{x_1 - x}{1 - t},

    the control of least energy that arrives there; on others, that of ``Path``. Strength 1 walks to the end itself,
    strength 0 is the velocity alone.

    Reference: Rout et al., 2025 (arXiv:2410.10792).

    Args:
        velocity: The velocity v.
        path: Its path.
        strength: s at a time, in [0, 1].
        start: The start x_0 to which a walk backward is led.
        data: The data x_1 to which a walk forward is led; one of both.
    """

    def __init__(
        self,
        velocity: Velocity,
        path: Path,
        strength: Callable[[float], float],
        *,
        start: Latent | None = None,
        data: Latent | None = None,
    ) -> None:
        if (start is None) == (data is None):
            raise ValueError("a walk is led to a start or to data, one of both")
        self.velocity, self.path, self.strength = velocity, path, strength
        self.start, self.data = start, data

    def __call__(self, x: Latent, t: Time) -> Latent:
        strength = self.strength(float(t))
        if strength == 0:
            return self.velocity(x, t)
        if self.start is not None:
            led = self.path.source_to_velocity(self.start, x, t)
        else:
            assert self.data is not None
            led = self.path.data_to_velocity(self.data, x, t)
        return led if strength == 1 else torch.lerp(self.velocity(x, t), led, strength)
