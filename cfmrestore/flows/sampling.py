"""How a trained flow is walked at test time."""

import inspect
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from cfmrestore.ops import color_match
from cfmrestore.ops.contrast import local_contrast
from cfmrestore.ops.rng import ImageRng
from cfmrestore.paths.base import Path
from cfmrestore.registry import GRIDS, SOLVERS
from cfmrestore.solvers.base import Solution, Solver
from cfmrestore.solvers.grids.base import TimeGrid
from cfmrestore.typing import Diffusion, Latent, Source, Velocity


@dataclass(frozen=True)
class Restoration:
    """Restored images, the latents that they were decoded from, and the network's evaluations that they took."""

    image: Tensor
    latent: Tensor
    nfe: int


class Sampling:
    r"""A solver, a grid, how many intervals it has, and where between mean and sample the result lies.

    What the flow draws, :math:`\hat x_1`, is one of the images that the input may come from, with all its detail. The
    mean of them all, :math:`\bar x_1 = E[x_1 | x_0]` at t = 0 from the start without noise, has the smallest error and
    no detail of its own. The fidelity f mixes them,

    .. math:: x_f = f \bar x_1 + (1 - f) \hat x_1, \qquad
        E \| x_f - x_1 \|^2 = E \| \bar x_1 - x_1 \|^2 + (1 - f)^2 E \| \hat x_1 - \bar x_1 \|^2 ,

    where :math:`\hat x_1` is drawn independently of :math:`x_1` given the input. It is the straight line on which, were
    :math:`\hat x_1` the optimal transport of :math:`\bar x_1`, no estimator of as natural results would have a smaller
    error (Freirich et al., 2021, theorem 3, arXiv:2107.02555). f = 1 costs one evaluation, f between 0 and 1 one more
    than f = 0. The network must be told the input: without a context, the mean from the noised start is not this one.

    A start with more noise than was trained with leaves some as grain, which makes flat areas look natural and costs
    fidelity where the mean has detail of its own. So the noise may fade with the local contrast s of the mean,

    .. math:: \epsilon' = \lambda\, (1 - s(\bar x_1) / s_0)_+ \, \epsilon ,

    with the factor :math:`\lambda` and the contrast :math:`s_0` from which on there is none; that costs the evaluation
    of the mean, too.

    Args:
        solver: The solver.
        grid: The grid.
        num_intervals: Intervals of the grid; the evaluations are the solver's business.
        seed: Another one starts at other noise.
        fidelity: From 0, the most detailed, to 1, the closest to the input.
        noise: Factor on the noise at the start; less of it makes a smoother result.
        noise_contrast_limit: The local contrast of the mean (``local_contrast`` of its latent) from which on there is
            no noise; None has the same noise everywhere.
        consistency: Project every step, so that the bicubically shrunk result equals the input: for inputs that were
            shrunk and nothing else.
        color: "none", or the colors of the input, as in ``match_colors``: "mean", "wavelet" or "adain".
    """

    def __init__(
        self,
        *,
        solver: dict[str, Any] | Solver | None = None,
        grid: dict[str, Any] | TimeGrid | None = None,
        num_intervals: int = 4,
        seed: int = 0,
        fidelity: float = 0.0,
        noise: float = 1.0,
        noise_contrast_limit: float | None = None,
        consistency: bool = False,
        color: str = "none",
    ) -> None:
        self.solver: Solver = SOLVERS.build(solver or {"type": "Euler"})
        self.grid: TimeGrid = GRIDS.build(grid or {"type": "UniformGrid"})
        if not isinstance(self.solver, Solver) or not isinstance(self.grid, TimeGrid):
            raise ValueError(f"sampling's solver and grid are dicts with a type; got {solver!r} and {grid!r}")
        if not all(isinstance(number, int | float) for number in (fidelity, noise)):
            raise ValueError(f"sampling's fidelity and noise are numbers; got {fidelity!r} and {noise!r}")
        if not isinstance(num_intervals, int) or num_intervals < 1:
            raise ValueError(f"sampling.num_intervals must be a positive integer; got {num_intervals!r}")
        if noise_contrast_limit is not None and not (
            isinstance(noise_contrast_limit, int | float) and noise_contrast_limit > 0
        ):
            raise ValueError(
                f"sampling.noise_contrast_limit must be a positive contrast, or None; got {noise_contrast_limit!r}"
            )
        if not 0 <= fidelity <= 1 or not noise >= 0:
            raise ValueError(f"sampling needs fidelity in [0, 1] and noise of 0 or more; got {fidelity=}, {noise=}")
        if color not in color_match.MODES:
            raise ValueError(f"sampling.color must be one of {', '.join(color_match.MODES)}; got {color!r}")
        self.num_intervals, self.seed, self.color = num_intervals, seed, color
        self.fidelity, self.noise, self.consistency = float(fidelity), float(noise), consistency
        self.noise_contrast_limit = noise_contrast_limit

    def changed(self, **changes: Any) -> "Sampling":
        """The same but for some keys; None leaves a key as it is."""
        own = {key: getattr(self, key) for key in inspect.signature(Sampling).parameters}
        return Sampling(**{**own, **{key: value for key, value in changes.items() if value is not None}})

    def fork(self, rng: ImageRng) -> ImageRng:
        """The generators of a restoration."""
        return rng.fork("flow" if self.seed == 0 else f"flow {self.seed}")

    @property
    def needs_posterior_mean(self) -> bool:
        """Whether a restoration takes an estimate of the mean."""
        return self.fidelity > 0 or self.noise_contrast_limit is not None

    @property
    def evaluations(self) -> int | None:
        """The network's evaluations that a restoration takes; None where the solver's own error decides."""
        walked = self.solver.nfe(self.num_intervals) if self.fidelity < 1 else 0
        return None if walked is None else walked + self.needs_posterior_mean

    @staticmethod
    def estimate(velocity: Velocity, mean: Latent, path: Path) -> Latent:
        """The mean of the data, from the start without noise: one evaluation."""
        begin = torch.zeros((), dtype=mean.dtype, device=mean.device)
        return path.velocity_to_data(velocity(mean, begin), mean, begin)

    def heated(self, source: Source) -> Source:
        """The source with its noise scaled, and the law of that; as it is where nothing is drawn."""
        if self.fidelity == 1 or (self.noise == 1 and self.noise_contrast_limit is None):
            return source
        factor: float | Tensor = self.noise
        if self.noise_contrast_limit is not None:
            assert source.estimate is not None
            factor = self.noise * (1 - local_contrast(source.estimate) / self.noise_contrast_limit).clamp_min(0)
        noise = source.x_0 - source.mean
        x_0 = noise.mul_(factor).add_(source.mean)  # in place: a large image has no room for more
        return replace(source, x_0=x_0, std=factor * source.std)

    def walk(
        self,
        velocity: Velocity,
        x_0: Latent,
        path: Path,
        *,
        estimate: Latent | None = None,
        diffusion: Diffusion | None = None,
    ) -> Solution:
        """From the source to the data; a fidelity above 0 needs the estimate of the mean."""
        if self.fidelity == 0:
            return self.solver.solve(velocity, x_0, self.grid(self.num_intervals), diffusion=diffusion)
        assert estimate is not None
        if self.fidelity == 1:
            return Solution(estimate, 0)
        drawn = self.changed(fidelity=0.0).walk(velocity, x_0, path, diffusion=diffusion)
        return Solution(torch.lerp(drawn.x, estimate, self.fidelity), drawn.nfe)
