"""Contract of paths: each is the curve of its equations."""

import torch
from torch import Tensor

from cfmrestore.contracts.base import Contract, require
from cfmrestore.paths.base import Path
from cfmrestore.registry import PATHS


def ends() -> tuple[Tensor, Tensor, Tensor]:
    """Both ends of five paths, and a time of each."""
    generator = torch.Generator().manual_seed(0)
    x_0, x_1 = torch.randn(2, 5, 3, 4, 4, generator=generator, dtype=torch.float64)
    return x_0, x_1, torch.tensor([0.05, 0.3, 0.5, 0.8, 0.95], dtype=torch.float64)


def check_derivative(path: Path) -> None:
    """dx_t is the derivative of x_t."""
    x_0, x_1, t = ends()
    h = 1e-6
    ahead, behind = path.sample(x_0, x_1, t + h)[0], path.sample(x_0, x_1, t - h)[0]
    require(
        torch.allclose((ahead - behind) / (2 * h), path.sample(x_0, x_1, t)[1], atol=1e-7),
        "d_alpha and d_sigma of coefficients are not the derivatives of alpha and sigma",
    )


def check_precision(path: Path) -> None:
    """Points of float32 stay so."""
    x_0, x_1, t = (one.float() for one in ends())
    for name, found in zip(("x_t", "dx_t"), path.sample(x_0, x_1, t), strict=True):
        require(found.dtype == torch.float32, f"of float32 {name} is {found.dtype}: compute in the type of t")


def check_ends(path: Path) -> None:
    """It leads from x_0 at t = 0 to x_1 at t = 1, but for what alpha_0, sigma_0 and sigma_min say."""
    x_0, x_1, _ = ends()
    start, end = (path.sample(x_0, x_1, torch.full((5,), t, dtype=torch.float64))[0] for t in (0.0, 1.0))
    alpha_0, sigma_0, sigma_min = (
        getattr(path, name, default) for name, default in (("alpha_0", 0.0), ("sigma_0", 1.0), ("sigma_min", 0.0))
    )
    require(
        torch.allclose(start, alpha_0 * x_1 + sigma_0 * x_0),
        f"at t = 0 it is not {alpha_0} x_1 + {sigma_0} x_0: time runs from the source to the data",
    )
    require(torch.allclose(end, x_1 + sigma_min * x_0), f"at t = 1 it is not x_1 + {sigma_min} x_0")


def check_conversions(path: Path) -> None:
    """Velocity, data, source and score are converted into each other and back."""
    x_0, x_1, t = ends()
    x_t, v = path.sample(x_0, x_1, t)
    law = {"mean": torch.full_like(x_0, 0.3), "std": torch.full_like(x_0, 0.7)}
    score = path.velocity_to_score(v, x_t, t, **law)
    for name, found, expected in (
        ("velocity_to_data", path.velocity_to_data(v, x_t, t), x_1),
        ("velocity_to_source", path.velocity_to_source(v, x_t, t), x_0),
        ("data_to_velocity", path.data_to_velocity(x_1, x_t, t), v),
        ("source_to_velocity", path.source_to_velocity(x_0, x_t, t), v),
        ("score_to_velocity", path.score_to_velocity(score, x_t, t, **law), v),
    ):
        require(torch.allclose(found, expected), f"{name} does not give back what x_t and dx_t were made of")


def check_straight(path: Path) -> str | None:
    """Where is_straight is True: the velocity between two ends is the same at all times."""
    if not path.is_straight:
        return "is_straight is False"
    x_0, x_1, t = ends()
    here, there = (path.sample(x_0, x_1, time)[1] for time in (t, t.flip(0)))
    require(torch.allclose(here, there), "it says is_straight = True, and its velocity changes")
    return None


CONTRACT = Contract(
    PATHS,
    Path,
    (check_derivative, check_precision, check_ends, check_conversions, check_straight),
    cases={"Linear": [{}, {"sigma_min": 0.1}]},
)
