"""Path base class: what every probability path promises."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from cfmrestore.ops.broadcast import expand_as
from cfmrestore.ops.rng import ImageRng
from cfmrestore.ops.transfer import sent_to
from cfmrestore.typing import Coefficients, Latent, Time


class Path(ABC):
    r"""A curve :math:`x_t = \alpha_t x_1 + \sigma_t x_0` from a source :math:`x_0` to data :math:`x_1`.

    With its velocity :math:`v = \alpha'_t x_1 + \sigma'_t x_0` this is a linear system in both ends, solved by

    .. math::
        x_1 = (\sigma'_t x_t - \sigma_t v) / d_t, \qquad x_0 = (\alpha_t v - \alpha'_t x_t) / d_t, \qquad
        d_t = \alpha_t \sigma'_t - \alpha'_t \sigma_t \ne 0 .

    The same holds for conditional means given :math:`x_t`, which is what a network predicts.
    """

    is_straight: ClassVar[bool] = False
    """Whether the velocity between two ends is the same at all times."""

    @abstractmethod
    def coefficients(self, t: Time) -> Coefficients:
        """alpha_t, sigma_t and their derivatives."""

    @property
    def keeps_source(self) -> bool:
        """Whether some of the source is left at t = 1."""
        return float(self.coefficients(torch.ones((), dtype=torch.float64)).sigma) > 1e-6

    def without_source(self, x: Latent, mean: Latent) -> Latent:
        """The data of an end point x at t = 1, without what it keeps of the mean of its source."""
        end = self.coefficients(torch.ones((), dtype=x.dtype, device=x.device))
        data: Tensor = (x - end.sigma * mean) / end.alpha
        return data

    def with_source(self, x: Latent, mean: Latent) -> Latent:
        """The inverse of ``without_source``."""
        end = self.coefficients(torch.ones((), dtype=x.dtype, device=x.device))
        point: Tensor = end.alpha * x + end.sigma * mean
        return point

    def _at(self, t: Time, like: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        c = self.coefficients(t)
        alpha, sigma, d_alpha, d_sigma = (expand_as(a, like) for a in (c.alpha, c.sigma, c.d_alpha, c.d_sigma))
        return alpha, sigma, d_alpha, d_sigma, alpha * d_sigma - d_alpha * sigma

    def sample(self, x_0: Latent, x_1: Latent, t: Time) -> tuple[Latent, Latent]:
        """The point x_t and its velocity dx_t."""
        alpha, sigma, d_alpha, d_sigma, _ = self._at(t, x_0)
        return alpha * x_1 + sigma * x_0, d_alpha * x_1 + d_sigma * x_0

    def velocity_to_data(self, v: Latent, x_t: Latent, t: Time) -> Latent:
        """E[x_1 | x_t]."""
        _, sigma, _, d_sigma, d = self._at(t, x_t)
        return (d_sigma * x_t - sigma * v) / d

    def velocity_to_source(self, v: Latent, x_t: Latent, t: Time) -> Latent:
        """E[x_0 | x_t]."""
        alpha, _, d_alpha, _, d = self._at(t, x_t)
        return (alpha * v - d_alpha * x_t) / d

    def data_to_velocity(self, x_1: Latent, x_t: Latent, t: Time) -> Latent:
        """The inverse of ``velocity_to_data``; not defined where sigma_t is 0."""
        _, sigma, _, d_sigma, d = self._at(t, x_t)
        return (d_sigma * x_t - d * x_1) / sigma

    def source_to_velocity(self, x_0: Latent, x_t: Latent, t: Time) -> Latent:
        """The inverse of ``velocity_to_source``; not defined where alpha_t is 0."""
        alpha, _, d_alpha, _, d = self._at(t, x_t)
        return (d_alpha * x_t + d * x_0) / alpha

    def velocity_to_score(self, v: Latent, x_t: Latent, t: Time, *, mean: Latent, std: Latent) -> Latent:
        r"""The gradient of :math:`\log p_t(x_t)` for a source :math:`x_0 \sim N(m, s^2)`.

        With :math:`x_0` independent of :math:`x_1` given the condition of the network: given :math:`x_1`, the point
        :math:`x_t` is Gaussian around :math:`\alpha_t x_1 + \sigma_t m` with standard
        deviation :math:`\sigma_t s`; averaging its score over :math:`x_1 | x_t` leaves

        .. math:: \nabla \log p_t(x_t) = -\frac{E[x_0 | x_t] - m}{\sigma_t s^2} .

        With m = 0 and s = 1 this is the formula that holds for noise alone (SiT, Ma et al., 2024, equation 9,
        arXiv:2401.08740); a source coupled to an image needs its own mean.
        """
        _, sigma, _, _, _ = self._at(t, x_t)
        return (mean - self.velocity_to_source(v, x_t, t)) / (sigma * std**2)

    def score_to_velocity(self, score: Latent, x_t: Latent, t: Time, *, mean: Latent, std: Latent) -> Latent:
        """The inverse of ``velocity_to_score``; not defined where alpha_t is 0."""
        _, sigma, _, _, _ = self._at(t, x_t)
        return self.source_to_velocity(mean - sigma * std**2 * score, x_t, t)


@dataclass(frozen=True)
class PathDiffusion:
    """A path with the law of its source: what a stochastic solver needs."""

    path: Path
    mean: Tensor
    std: Tensor
    rng: ImageRng

    def coefficients(self, t: Tensor) -> Coefficients:
        return self.path.coefficients(t)

    def pull(self, v: Tensor, x: Tensor, t: Tensor) -> Tensor:
        r""":math:`s^2 \nabla \log p_t = (m - E[x_0 | x_t]) / \sigma_t`: no division by s, and 0 where s is."""
        pull = (self.mean - self.path.velocity_to_source(v, x, t)) / self.path.coefficients(t).sigma
        return torch.where(self.std > 0, pull, 0)

    def noise(self, x: Tensor) -> Tensor:
        return self.std * sent_to(self.rng.normal(*x.shape[1:]), x)
