"""Tiles of a velocity: a linear network whose answer is known, and no seam for one that sees everything."""

import numpy as np
import pytest
import torch
from torch import nn

from cfmrestore.execution import NetworkVelocity
from cfmrestore.ops.tiles import Tiling
from cfmrestore.restore import Restorer
from tests.restore.flows import linear_flow, random_flow

CPU = torch.device("cpu")


def photo(height: int, width: int, seed: int = 0) -> torch.Tensor:
    rows, columns = torch.linspace(0, 9, height), torch.linspace(0, 7, width)
    waves = torch.stack([(rows[:, None] * k + columns + seed).sin() for k in (1.0, 1.7, 0.6)])
    return 0.5 + 0.4 * waves[None]


@pytest.mark.parametrize("tile", [16, 24, 32, 48, 64, 96, 160])
@pytest.mark.parametrize("solver", ["Euler", "Heun", "AB2"])
def test_a_linear_network_gives_the_same_by_tiles(tile: int, solver: str) -> None:
    """Everywhere, not in the interior alone: the edges of the image are padded as in the whole."""
    restorer = Restorer(linear_flow(), device="cpu")
    low = photo(33, 41)
    whole = restorer(low, tile=0, solver=solver, num_intervals=3)
    assert torch.allclose(restorer(low, tile=tile, solver=solver, num_intervals=3), whole, atol=1e-5)


@pytest.mark.parametrize("reach", [2, 4, 8])
def test_what_is_seen_through_the_context_leaves_no_trace(reach: int) -> None:
    restorer = Restorer(linear_flow(reach), device="cpu")
    low = photo(48, 60)
    whole = restorer(low, tile=0)
    assert torch.allclose(restorer(low, tile=max(64, 16 * reach)), whole, atol=1e-5)


def test_a_network_that_halves_its_input_keeps_its_phase() -> None:
    """Tiles that start at odd samples would shift the samples of the stride, and with them the result."""
    flow = random_flow()
    multiple = flow.network.multiple
    assert multiple == 2
    x, context = (torch.randn(1, 12, 70, 90, generator=torch.Generator().manual_seed(i)) for i in range(2))
    t = torch.tensor(0.3)
    whole = NetworkVelocity(flow.network, {"context": context}, CPU)(x, t)

    def worst(tiling: Tiling) -> float:
        tiled = NetworkVelocity(flow.network, {"context": context}, CPU, tiling=tiling)
        return float((tiled(x, t) - whole).abs().max())

    assert worst(Tiling(56, 40, multiple)) < 1e-5
    odd = Tiling(55, 40)
    assert odd.starts(70)[1] % 2 == 1
    assert worst(odd) > 1e-3


def test_conditions_without_a_place_reach_every_tile() -> None:
    levels: list[float] = []

    class Told(nn.Module):
        def forward(self, x: torch.Tensor, t: torch.Tensor, noise_level: torch.Tensor) -> torch.Tensor:
            levels.append(float(noise_level))
            return x

    x, condition = torch.rand(1, 3, 20, 20), {"noise_level": torch.tensor([0.7])}
    velocity = NetworkVelocity(Told(), condition, CPU, tiling=Tiling(8, 4))
    assert torch.allclose(velocity(x, torch.tensor(0.0)), x)
    assert levels == pytest.approx([0.7] * 16)


def test_no_seam_with_attention_over_the_tile() -> None:
    """The gradient across the cuts is not above that elsewhere, though every tile attends to itself alone."""
    restorer = Restorer(random_flow(attention=True), device="cpu")
    low = photo(64, 64)
    whole, tiled = (np.asarray(restorer(low, tile=tile, fidelity=1)[0]) for tile in (0, 64))
    cuts = [start * 2 for start in Tiling(32, 16, 2).starts(128)[1:]]

    def gradient(image: np.ndarray) -> float:
        jumps = np.abs(np.diff(image, axis=2)).mean(axis=(0, 1))
        return float(max(jumps[cut - 1 : cut + 16].max() for cut in cuts))

    assert gradient(tiled) <= 1.02 * gradient(whole)
