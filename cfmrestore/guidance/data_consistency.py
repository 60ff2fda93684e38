"""A velocity whose end point shrinks to the input."""

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
    :math:`v' = v + (\hat x_1' - \hat x_1) / (1 - t)`. Where the path has arrived (:math:`\sigma_t = 0`) v is left
    alone.

    Args:
        velocity: What is wrapped.
        path: The curve that the velocity belongs to.
        encoder: The space; without randomness.
        low: The input y.
        scale: How much the input was shrunk.
    """

    def __init__(self, velocity: Velocity, path: Path, encoder: Encoder, low: Image, scale: int) -> None:
        self.velocity, self.path, self.encoder, self.low, self.scale = velocity, path, encoder, low, scale

    def __call__(self, x: Latent, t: Time) -> Latent:
        v: Tensor = self.velocity(x, t)
        arrived = self.path.coefficients(t).sigma <= 1e-6  # image by image, for solvers with steps of their own
        if bool(arrived.all()):
            return v
        moved = self.enforce_consistency(self.path.velocity_to_data(v, x, t))
        before = torch.where(arrived, torch.zeros_like(t), t)
        return torch.where(expand_as(arrived, x), v, self.path.data_to_velocity(moved, x, before))

    def enforce_consistency(self, x_1: Latent) -> Latent:
        """The end point, moved to where it shrinks to the input."""
        image = self.encoder.decode(x_1)
        near = back_project(image, self.low, self.scale)
        encode = self.encoder
        return x_1 + encode.sample(encode.moments(near)) - encode.sample(encode.moments(image))
