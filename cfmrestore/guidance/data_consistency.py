"""Data consistency: a velocity whose end point shrinks to the input."""

import torch
from torch import Tensor

from cfmrestore.encoders.base import Encoder
from cfmrestore.ops.back_projection import back_project
from cfmrestore.ops.broadcast import expand_as
from cfmrestore.paths.base import Path
from cfmrestore.typing import Image, Latent, Time, Velocity


class DataConsistency:
    r"""Back-projection at every step: DDNM (Wang et al., 2023, arXiv:2212.00490) for a flow.

    .. math::
        \hat x_1 = E[x_1 | x_t], \qquad
        \hat x_1' = \hat x_1 + E(P D \hat x_1) - E(D \hat x_1), \qquad P u = u + A^+ (y - A u)

    and v' is the velocity that leads to :math:`\hat x_1'`. A is bicubic shrinking, y the input, E and D the encoder;
    the difference of two encodings leaves out what the encoder itself loses. For the straight path
    :math:`v' = v + (\hat x_1' - \hat x_1) / (1 - t)`.

    At t = 1, where Heun's method and others evaluate once more, that is 0 / 0: the limit is a property of the path and
    not of its end. It is taken through the point :math:`(x_s, s)` evaluated last before. With
    :math:`x_1(v)` the end of the path through that point whose velocity at its end is v,

    .. math::
        v' = v + w\, (x_1(v)' - x_1(v)), \qquad x_1(v) = (v - \sigma'_1 x_s / \sigma_s) / w, \qquad
        w = \alpha'_1 - \sigma'_1 \alpha_s / \sigma_s ,

    for the straight path :math:`x_1(v) = x_s + (1 - s) v`. So all stages agree in what shrinking sees, and on the
    straight path with :math:`\sigma_1 = 0`, in a lossless space and without noise on the way, a method of any order
    ends at the input exactly. Where w = 0 (GVP from s = 0) the velocity there does not depend on the end: v is
    left alone, as by a first evaluation at t = 1. The mean velocity of a flow map is treated as a velocity is: on a
    straight path its last step leads to an end that shrinks to the input. An object serves one solve.

    Args:
        velocity: What is wrapped.
        path: The curve that the velocity belongs to.
        encoder: The space; without randomness.
        low: The input y.
        scale: How much the input was shrunk.
    """

    def __init__(self, velocity: Velocity, path: Path, encoder: Encoder, low: Image, scale: int) -> None:
        self.velocity, self.path, self.encoder, self.low, self.scale = velocity, path, encoder, low, scale
        self._last: tuple[Tensor, Tensor] | None = None

    def __call__(self, x: Latent, t: Time, *r: Time) -> Latent:
        v: Tensor = self.velocity(x, t, *r)
        arrived = self.path.coefficients(t).sigma <= 1e-6  # image by image, for solvers with steps of their own
        if not bool(arrived.any()):
            self._last = (x, t)
            return self._guided(v, x, t)
        last_x, last_t = self._last or (x, torch.full_like(t, torch.nan))
        if t.dim() > last_t.dim():
            last_t = last_t.expand_as(t)
        first = expand_as(last_t.isnan(), x)
        at_end = torch.where(first, v, self._guided_at_end(v, last_x, last_t))
        if bool(arrived.all()):
            return at_end
        here = expand_as(arrived, x)
        before = torch.where(arrived, torch.zeros_like(t), t)
        self._last = (torch.where(here, last_x, x), torch.where(arrived, last_t, t))
        return torch.where(here, at_end, self._guided(v, x, before))

    def _guided(self, v: Latent, x: Latent, t: Time) -> Latent:
        return self.path.data_to_velocity(self.project(self.path.velocity_to_data(v, x, t)), x, t)

    def _guided_at_end(self, v: Latent, x: Latent, t: Time) -> Latent:
        """The velocity at t = 1 of the path through x at an earlier t."""
        end, here = self.path.coefficients(torch.ones_like(t)), self.path.coefficients(t)
        ratio = end.d_sigma / here.sigma
        w = expand_as(end.d_alpha - ratio * here.alpha, x)
        known = w.abs() > 1e-6
        x_1 = (v - expand_as(ratio, x) * x) / torch.where(known, w, 1)
        return torch.where(known, v + w * (self.project(x_1) - x_1), v)

    def project(self, x_1: Latent) -> Latent:
        """The end point, moved to where it shrinks to the input."""
        image = self.encoder.decode(x_1)
        near = back_project(image, self.low, self.scale)
        encode = self.encoder
        return x_1 + encode.sample(encode.moments(near)) - encode.sample(encode.moments(image))
