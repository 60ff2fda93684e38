"""Inverse problem in the space of a flow: what was observed, and how it came of a latent."""

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from cfmrestore.degradations.forward_operator import ForwardOperator
from cfmrestore.encoders.base import Encoder
from cfmrestore.ops.broadcast import expand_as
from cfmrestore.ops.conjugate_gradients import conjugate_gradients
from cfmrestore.ops.pad import crop_to
from cfmrestore.ops.rng import ImageRng
from cfmrestore.typing import Image, Latent, PerImage, Size

_ROUNDS = 20  # of the power iteration: within a few percent
_STEP = 1e-2  # of differences where the operator is not affine


@dataclass(frozen=True)
class InverseProblem:
    r""":math:`y = B(z) + \sigma n` with :math:`B(z) = A(\operatorname{decode}(z))`.

    Args:
        y: What was observed.
        operator: A.
        encoder: The space of z.
        size: Height and width of the images that are sought.
        sigma: Noise level, one an image; white is 1.
    """

    y: Image
    operator: ForwardOperator
    encoder: Encoder
    size: Size
    sigma: PerImage

    @cached_property
    def observed(self) -> Image:
        """y as B(z) is compared with it."""
        return self.operator.observed(self.y, self.size)

    @property
    def is_affine(self) -> bool:
        """Whether B is a linear map and an image that is added."""
        return self.operator.is_linear and self.encoder.affine

    def forward(self, z: Latent) -> Image:
        """B(z)."""
        return self.operator(crop_to(self.encoder.decode(z), self.size))

    def residual(self, z: Latent) -> Image:
        """y - B(z)."""
        return self.observed - self.forward(z)

    def pull(self, z: Latent, r: Image) -> Latent:
        """J'r with the Jacobian J of B at z."""
        with torch.enable_grad():
            z = z.detach().requires_grad_()
            (gradient,) = torch.autograd.grad(self.forward(z), z, r)
        return gradient

    def push(self, z: Latent, w: Latent) -> Image:
        """J w, by a difference."""
        if self.is_affine:
            decode = self.encoder.decode
            return self.operator(crop_to(decode(w) - decode(torch.zeros_like(w)), self.size))
        h = _STEP / w.flatten(1).square().mean(dim=1).sqrt().clamp_min(1e-12)
        return (self.forward(z + expand_as(h, w) * w) - self.forward(z)) / expand_as(h, self.y)

    def norm_squared(self, z: Latent) -> PerImage:
        """Largest eigenvalue of J'J at z, one an image, by the power iteration."""
        u = ImageRng([0] * len(z)).normal(*z.shape[1:]).to(z)
        norm = z.new_zeros(len(z))
        for _ in range(_ROUNDS):
            u = self.pull(z, self.push(z, u))
            norm = u.flatten(1).norm(dim=1)
            u = u / expand_as(norm.clamp_min(1e-12), u)
        return norm

    def prox(self, z: Latent, y: Image, nu: Tensor) -> Latent:
        r"""Proximal operator of the data term, where B is affine.

        .. math::
            \arg\min_x \frac{\|y - B(x)\|^2}{2 \sigma^2} + \frac{\|x - z\|^2}{2 \nu^2}
            = z + J^\top (J J^\top + \tfrac{\sigma^2}{\nu^2} I)^{-1} (y - B(z))

        On the right the system is of the size of y, and has an answer for sigma = 0 too: the projection of z.
        """
        damping = expand_as((self.sigma / nu) ** 2, y)

        def system(u: Image) -> Image:
            return self.push(z, self.pull(z, u)) + damping * u

        return z + self.pull(z, conjugate_gradients(system, y - self.forward(z)))
