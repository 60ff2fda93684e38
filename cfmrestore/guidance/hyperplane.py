"""Guidance by a hyperplane: a velocity whose end point goes to a distance from a boundary."""

import torch
from jaxtyping import Float
from torch import Tensor

from cfmrestore.ops.broadcast import expand_as
from cfmrestore.paths.base import Path
from cfmrestore.typing import Latent, Time, Velocity


class HyperplaneGuidance:
    r"""The data that is expected, moved along the normal of a boundary of the data towards a distance from it.

    .. math::
        v' = v + \lambda\, w(t) \left( d - (\langle \hat x_1, n \rangle + b) \right) n, \qquad
        \hat x_1 = E[x_1 | x_t]

    within an interval of times, with w(t) = 1 there. As in Asyrp (Kwon et al., 2023, arXiv:2210.10960) the data alone
    is moved and not the source that is expected. For data that is certain, on the straight path, :math:`\hat x_1`
    follows :math:`x_t` by the whole of what it is moved, and of a wrong distance :math:`e^{-\lambda h}` is left after a
    time h. Where the posterior is wide, early on, the estimate follows less than it will later: a point is moved
    farther than is needed, and brought back as the posterior narrows, which takes strength.

    Data consistency around it has the last word: then an input stays what it was.

    Args:
        velocity: What is wrapped.
        path: The curve that the velocity belongs to.
        normal: n, of length 1, in the shape of a latent.
        intercept: b.
        target: d, one an image or for all.
        strength: lambda.
        interval: First and last time.
    """

    def __init__(
        self,
        velocity: Velocity,
        path: Path,
        *,
        normal: Float[Tensor, "*shape"],
        intercept: float,
        target: Float[Tensor, " b"] | float,
        strength: float = 5.0,
        interval: tuple[float, float] = (0.0, 1.0),
    ) -> None:
        if not 0 <= interval[0] <= interval[1] <= 1 or strength < 0:
            raise ValueError(
                f"guidance has a strength of 0 or more and two rising times in [0, 1]; got {strength} and {interval}"
            )
        self.velocity, self.path, self.normal, self.intercept = velocity, path, normal, intercept
        self.target, self.strength, self.interval = target, strength, interval

    def __call__(self, x: Latent, t: Time, *r: Time) -> Latent:
        v: Tensor = self.velocity(x, t, *r)
        inside = (t >= self.interval[0]) & (t <= self.interval[1])
        if not bool(inside.any()):
            return v
        normal = self.normal.to(x)
        x_1 = self.path.velocity_to_data(v, x, t)
        distance = (x_1 * normal).flatten(1).sum(dim=1) + self.intercept
        change = self.strength * (torch.as_tensor(self.target).to(x) - distance)
        return v + expand_as(inside.to(x), x) * expand_as(change, x) * normal
