"""Guidance by a hyperplane: a velocity whose end point goes to a distance from a boundary."""

import torch
from jaxtyping import Float
from torch import Tensor

from cfmrestore.ops.broadcast import expand_as
from cfmrestore.paths.base import Path
from cfmrestore.typing import Latent, Time, Velocity


class HyperplaneGuidance:
    r"""The data that is expected, moved across a boundary of the data towards a distance from it.

    .. math::
        v' = v + \lambda\, w(t) \left( d - (\langle \hat x_1, n \rangle + b) \right) a, \qquad
        \hat x_1 = E[x_1 | x_t]

    within an interval of times, with w(t) = 1 there, along a direction by which the distance grows by 1, :math:`\langle
    a, n \rangle = 1`: the normal itself, or that of a ``Boundary``. As in Asyrp (Kwon et al., 2023, arXiv:2210.10960)
    the data alone is moved and not the source that is expected. For data that is certain, on the straight path,
    :math:`\hat x_1` follows :math:`x_t` by the whole of what it is moved, and of a wrong distance
    :math:`e^{-\lambda h}` is left after a time h. Where the posterior is wide, early on, the estimate follows less than
    it will later: a point is moved farther than is needed, and brought back as the posterior narrows, which takes
    strength.

    With a share s in place of lambda the estimate itself is moved, by :math:`s (d - \langle \hat x_1, n \rangle - b)\,
    a`, and the velocity is the one to what comes of it: at s = 1 the data that is expected lies at d at every time, and
    so does the end of Euler's last step on a straight path. Methods that take the estimate alone want that.

    Data consistency around it has the last word: then an input stays what it was.

    Args:
        velocity: What is wrapped.
        path: The curve that the velocity belongs to.
        normal: n, of length 1, in the shape of a latent.
        direction: a, in the same shape; n if not given.
        intercept: b.
        target: d, one an image or for all.
        strength: lambda.
        share: s, in place of lambda.
        interval: First and last time.
    """

    def __init__(
        self,
        velocity: Velocity,
        path: Path,
        *,
        normal: Float[Tensor, "*shape"],
        direction: Float[Tensor, "*shape"] | None = None,
        intercept: float,
        target: Float[Tensor, " b"] | float,
        strength: float = 5.0,
        share: float | None = None,
        interval: tuple[float, float] = (0.0, 1.0),
    ) -> None:
        if share is not None and not 0 <= share <= 1:
            raise ValueError(f"the share of the way to a distance lies in [0, 1]; got {share}")
        if not 0 <= interval[0] <= interval[1] <= 1 or strength < 0:
            raise ValueError(
                f"guidance has a strength of 0 or more and two rising times in [0, 1]; got {strength} and {interval}"
            )
        self.velocity, self.path, self.normal, self.intercept = velocity, path, normal, intercept
        self.direction = normal if direction is None else direction
        self.target, self.strength, self.share, self.interval = target, strength, share, interval

    def __call__(self, x: Latent, t: Time, *r: Time) -> Latent:
        v: Tensor = self.velocity(x, t, *r)
        inside = (t >= self.interval[0]) & (t <= self.interval[1])
        if not bool(inside.any()):
            return v
        normal = self.normal.to(x)
        x_1 = self.path.velocity_to_data(v, x, t)
        distance = (x_1 * normal).flatten(1).sum(dim=1) + self.intercept
        missing = expand_as(inside * (torch.as_tensor(self.target).to(x) - distance), x) * self.direction.to(x)
        if self.share is None:
            return v + self.strength * missing
        return self.path.data_to_velocity(x_1 + self.share * missing, x, t)
