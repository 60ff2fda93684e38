"""Sampling at test time: its settings, and the function that samples."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
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
from cfmrestore.typing import Diffusion, Latent, Velocity

_MOST = 1_000_000  # intervals, of which nobody wants so many


def is_whole(value: Any) -> bool:
    """Whether it is a whole number, which True is not."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_number(value: Any) -> bool:
    """Whether it is a number, which True is not."""
    return is_whole(value) or isinstance(value, float)


@dataclass(frozen=True, kw_only=True)
class Sampling:
    r"""Solver, grid, number of intervals, and where between posterior mean and sample the result lies.

    What the flow draws, :math:`\hat x_1`, is one of the images that the input may come from, with all its detail. The
    mean of them all, :math:`\bar x_1 = E[x_1 | x_0]` at t = 0 from the start without noise, has the smallest error and
    no detail of its own. The fidelity f mixes them,

    .. math:: x_f = \bar x_1 + \rho\, (\hat x_1 - \bar x_1), \qquad
        E \| x_f - x_1 \|^2 = E \| \bar x_1 - x_1 \|^2 + \rho^2\, E \| \hat x_1 - \bar x_1 \|^2 ,

    with the share :math:`\rho = 1 - f`, or under ``even_dial`` :math:`\sqrt{1 - f}`, so that the squared error falls in
    proportion to f; :math:`\hat x_1` is drawn independently of :math:`x_1` given the input. It is the straight line on
    which, were :math:`\hat x_1` the optimal transport of :math:`\bar x_1`, no estimator of as natural results would
    have a smaller error (Freirich et al., 2021, theorem 3, arXiv:2107.02555). f = 1 costs one evaluation, f between 0
    and 1 one more than f = 0. The network must be told the input: without a context, the mean from the noised start is
    not this one.

    A start with more noise than was trained with leaves some as grain, which makes flat areas look natural and costs
    fidelity where the mean has detail of its own. So the noise may fade with the local contrast s of the mean,

    .. math:: \epsilon' = \lambda\, (1 - s(\bar x_1) / s_0)_+ \, \epsilon ,

    with the factor :math:`\lambda` and the contrast :math:`s_0` from which on there is none; that costs the evaluation
    of the mean, too.

    A flow map on a straight path under ``FlowMapEuler(dial=True)`` needs no mean for a fidelity below 1: its last step
    is followed from the share 1 - f of the way (``FlowMapEuler.solve_towards``), at no further evaluation. The noise at
    the start is multiplied by that share too, since a network does not wholly remove what it starts with.

    Args:
        solver: The solver, or its config.
        grid: The grid, or its config.
        num_intervals: Intervals of the grid, in each of which a solver may evaluate several times; None takes the
            grid's own number.
        seed: Another one starts at other noise.
        fidelity: From 0, the most detailed, to 1, the most faithful.
        even_dial: Mix mean and sample so that equal steps of the fidelity are equal steps of the squared error; where a
            flow map has a dial of its own nothing is mixed.
        noise: Factor on the noise at the start; less of it makes a smoother result.
        noise_contrast_limit: The local contrast of the mean (``local_contrast`` of its latent) from which on there is
            no noise; None has the same noise everywhere.
        consistency: Project every step, so that the bicubically shrunk result equals the input: for inputs that were
            shrunk and nothing else.
        color: "none", or the colors of the input, as in ``match_colors``: "mean", "wavelet" or "adain".
        guidance: Scale of classifier-free guidance: 1 is the condition, 0 none, more than 1 strengthens it. One number,
            or one by the name of a condition; for conditions that were dropped in training.
        guidance_interval: First and last time of guidance.
    """

    solver: Any = None
    grid: Any = None
    num_intervals: int | None = None
    seed: int = 0
    fidelity: float = 0.0
    even_dial: bool = False
    noise: float = 1.0
    noise_contrast_limit: float | None = None
    consistency: bool = False
    color: str = "none"
    guidance: float | Mapping[str, float] = 1.0
    guidance_interval: tuple[float, float] = (0.0, 1.0)

    def __post_init__(self) -> None:
        solver, grid = (
            SOLVERS.build(self.solver or {"type": "Euler"}),
            GRIDS.build(self.grid or {"type": "UniformGrid"}),
        )
        if not isinstance(solver, Solver) or not isinstance(grid, TimeGrid):
            raise ValueError(f"sampling's solver and grid are dicts with a type; got {solver!r} and {grid!r}")
        object.__setattr__(self, "solver", solver)
        object.__setattr__(self, "grid", grid)
        if not all(is_number(number) for number in (self.fidelity, self.noise)):
            raise ValueError(f"sampling's fidelity and noise are numbers; got {self.fidelity!r} and {self.noise!r}")
        count, limit = self.num_intervals, self.noise_contrast_limit
        if count is not None and not (is_whole(count) and 1 <= count <= _MOST):
            raise ValueError(f"sampling.num_intervals must be a positive integer; got {count!r}")
        if limit is not None and not (is_number(limit) and limit > 0):
            raise ValueError(f"sampling.noise_contrast_limit must be a positive contrast, or None; got {limit!r}")
        if not 0 <= self.fidelity <= 1:
            raise ValueError(f"sampling needs a fidelity from 0 to 1; got {self.fidelity}")
        if not 0 <= self.noise < math.inf:
            raise ValueError(f"sampling needs a finite noise of 0 or more; got {self.noise}")
        if self.color not in color_match.MODES:
            raise ValueError(f"sampling.color must be one of {', '.join(color_match.MODES)}; got {self.color!r}")
        self._check_guidance()

    def _check_guidance(self) -> None:
        scales = self.guidance.values() if isinstance(self.guidance, Mapping) else [self.guidance]
        if not all(is_number(scale) and 0 <= scale < math.inf for scale in scales):
            raise ValueError(f"sampling.guidance is a scale of 0 or more, or one by condition; got {self.guidance!r}")
        first, last = self.guidance_interval
        if not 0 <= first <= last <= 1:
            raise ValueError(f"sampling.guidance_interval is two times in [0, 1]; got {self.guidance_interval!r}")

    @property
    def intervals(self) -> int:
        """Number of intervals of the grid."""
        own: int = self.grid.default_intervals
        return self.num_intervals or own

    @property
    def mixes(self) -> bool:
        """Whether the result is mixed of the mean and a sample; a flow map goes a part of the way instead."""
        return self.fidelity == 1 or (self.fidelity > 0 and not self.solver.dial)

    @property
    def mixed_share(self) -> float:
        r"""The share :math:`\rho` of what a sample has beyond the mean."""
        return math.sqrt(1 - self.fidelity) if self.even_dial else 1 - self.fidelity

    @property
    def share(self) -> float:
        """Of the way, and of the noise, under the dial of a flow map; 1 without."""
        return 1.0 if self.mixes else 1.0 - self.fidelity

    @property
    def needs_posterior_mean(self) -> bool:
        """Whether a restoration takes an estimate of the mean."""
        return self.mixes or self.noise_contrast_limit is not None

    @property
    def nfe(self) -> int | None:
        """Number of function evaluations of a restoration; None where the solver's own error decides."""
        drawn = self.solver.nfe(self.intervals) if self.fidelity < 1 else 0
        return None if drawn is None else drawn + self.needs_posterior_mean

    def noise_factor(self, posterior_mean: Latent | None) -> float | Tensor:
        r"""Factor on the noise at the start: :math:`\lambda`, or where it fades :math:`\lambda (1 - s / s_0)_+`."""
        noise = self.share * self.noise
        if self.noise_contrast_limit is None:
            return noise
        assert posterior_mean is not None
        return noise * (1 - local_contrast(posterior_mean) / self.noise_contrast_limit).clamp_min(0)

    def fork(self, rng: ImageRng) -> ImageRng:
        """The generators of a restoration, one an image."""
        return rng.fork("flow" if self.seed == 0 else f"flow {self.seed}")


@dataclass(frozen=True)
class Start:
    """Where sampling starts, and what is known there.

    Args:
        velocity: v(x, t).
        x_0: The start.
        posterior_mean: Needed where the result is mixed with it.
        source_mean: Mean of the source's law, needed where the path keeps some of the source.
        diffusion: The law of the source, for the solvers that add noise.
        nfe: Evaluations of networks that this took.
    """

    velocity: Velocity
    x_0: Latent
    posterior_mean: Latent | None = None
    source_mean: Latent | None = None
    diffusion: Diffusion | None = None
    nfe: int = 0


def sample(start: Start, path: Path, sampling: Sampling) -> Solution:
    r"""The latent :math:`x_f = \bar x_1 + \rho (\hat x_1 - \bar x_1)` at the end, and all evaluations.

    Where the path keeps a part :math:`\sigma_1` of its source, :math:`\hat x_1 = (x_{t=1} - \sigma_1 m) / \alpha_1`
    with the mean m of that source: an image of the input must not stay in the result. (Of plain noise, m = 0: what
    stays of it is the smoothing that such paths are meant to have.)
    """
    if sampling.fidelity == 1:
        assert start.posterior_mean is not None
        return Solution(start.posterior_mean, start.nfe)
    grid = sampling.grid(sampling.num_intervals)
    if sampling.share < 1:
        solution: Solution = sampling.solver.solve_towards(start.velocity, start.x_0, grid, share=sampling.share)
    else:
        solution = sampling.solver.solve(start.velocity, start.x_0, grid, diffusion=start.diffusion)
    x_1 = solution.x
    if start.source_mean is not None:
        x_1 = path.without_source(x_1, start.source_mean)
    if sampling.mixes:
        assert start.posterior_mean is not None
        x_1 = torch.lerp(start.posterior_mean, x_1, sampling.mixed_share)
    return Solution(x_1, solution.nfe + start.nfe)


def estimate_posterior_mean(velocity: Velocity, source_mean: Latent, path: Path) -> Tensor:
    """E[x_1 | x_0] from the start without noise: one evaluation."""
    start = torch.zeros((), dtype=source_mean.dtype, device=source_mean.device)
    return path.velocity_to_data(velocity(source_mean, start), source_mean, start)
