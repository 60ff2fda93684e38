"""Base class of solvers of inverse problems: what every one promises."""

from abc import ABC, abstractmethod
from typing import ClassVar

import torch
from torch import Tensor

from cfmrestore.inverse.problem import InverseProblem
from cfmrestore.ops.broadcast import expand_as
from cfmrestore.ops.rng import ImageRng
from cfmrestore.paths.base import Path
from cfmrestore.plugins import broken
from cfmrestore.solvers.base import Solution
from cfmrestore.typing import Latent, PerImage, Time, Velocity


class InverseSolver(ABC):
    r"""Finds an image that explains y and is likely under a flow; nothing is trained.

    Every method walks N equal steps from noise at t = 0 to data at t = 1, and asks at each for the denoised
    :math:`D(x, t) = E[x_1 | x_t = x]`, for the straight path :math:`x + (1 - t) v(x, t)`.

    Args:
        steps: N.
    """

    needs_linear: ClassVar[bool] = False
    """Whether it takes linear operators alone, in spaces whose decoder is affine."""

    needs_gradient: ClassVar[bool] = False
    """Whether it differentiates the velocity: the graph of the whole image is held then, which tiles do not lessen."""

    evals_per_step: int = 1
    """Evaluations of the velocity a step."""

    def __init__(self, *, steps: int) -> None:
        if not isinstance(steps, int) or steps < 1:
            raise ValueError(f"steps is a whole number from 1; got {steps!r}")
        self.steps = steps

    @property
    def nfe(self) -> int:
        """Evaluations of the velocity in all."""
        return self.steps * self.evals_per_step

    @abstractmethod
    def walk(self, v: Velocity, x: Latent, problem: InverseProblem, path: Path, rng: ImageRng) -> Latent:
        """The latent found, from the noise x."""

    def solve(self, v: Velocity, x: Latent, problem: InverseProblem, path: Path, rng: ImageRng) -> Solution:
        """The latent found, and the evaluations of the velocity, counted.

        Args:
            v: The velocity of a flow from N(0, I).
            x: A draw of it.
            problem: What was observed, and how it came about.
            path: The path of the flow.
            rng: For what else is drawn.
        """
        if self.needs_linear and not problem.is_affine:
            what = "the decoder of this space" if problem.operator.is_linear else "this degradation"
            raise ValueError(f"{type(self).__name__} is for linear problems, and {what} is not: take PnPFlow or MMPS")
        nfe = 0

        def counted(x: Tensor, t: Tensor) -> Tensor:
            nonlocal nfe
            nfe += 1
            return v(x, t)

        found = self.walk(counted, x, problem, path, rng)
        if found.shape != x.shape or nfe != self.nfe:
            raise broken(
                self, "inverse problem solver", f"walk ended at {tuple(found.shape)} after {nfe} evaluations, where a "
                f"latent of {tuple(x.shape)} after {self.nfe} was promised (steps, evals_per_step)"
            )  # fmt: skip
        return Solution(found, nfe)

    def times(self, x: Latent) -> Tensor:
        """N + 1 times from 0 to 1."""
        return torch.linspace(0, 1, self.steps + 1, dtype=x.dtype, device=x.device)


def spread_of(path: Path, t: Time) -> Tensor:
    r""":math:`\nu_t = \sigma_t / \sqrt{\alpha_t^2 + \sigma_t^2}`: of the data given x_t, were they N(0, I)."""
    c = path.coefficients(t)
    nu: Tensor = c.sigma / (c.alpha**2 + c.sigma**2).sqrt()
    return nu


def times_images(value: PerImage, x: Tensor) -> Tensor:
    """One number an image, times the image."""
    return expand_as(value, x) * x
