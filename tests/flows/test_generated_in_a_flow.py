"""MMD and drifting as losses of a flow: its conditions, its precision, its kinds of network."""

from typing import Any

import pytest
import torch
from torch import Tensor

from tests.flows.test_coupling_flow import NETWORK, batch, build

LOSSES = [
    {"type": "MMD", "features": ["SeededNet", "latent"], "kernel": "rbf", "num_intervals": 2},
    {"type": "MMD", "features": "SeededNet", "kernel": "energy", "draws": 3, "patches": 4},
    {"type": "Drifting", "features": "SeededNet", "draws": 2, "temperatures": (0.1, 0.5)},
]


def gradient(loss: dict[str, Any], *, bfloat16: bool = False, flow_map: bool = False) -> Tensor:
    flow = build(loss=loss, network={**NETWORK, "flow_map": flow_map})
    with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
        (value,) = flow.loss(**batch(6)).values()
    value.backward()
    found = [p.grad if p.grad is not None else torch.zeros_like(p) for p in flow.network.parameters()]
    return torch.cat([g.flatten() for g in found]).double()


@pytest.mark.parametrize("flow_map", [False, True])
@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss["type"])
def test_a_chunk_is_told_its_own_images(loss: dict[str, Any], flow_map: bool) -> None:
    whole, parts = gradient(loss, flow_map=flow_map), gradient({**loss, "chunk": 4}, flow_map=flow_map)
    assert whole.abs().max() > 0
    assert torch.allclose(parts, whole, rtol=1e-3, atol=1e-4 * float(whole.abs().max()))


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss["type"])
def test_in_half_precision_the_recomputation_is_the_computation(loss: dict[str, Any]) -> None:
    exact = gradient(loss)
    for chunk in (None, 4):
        found = gradient({**loss, "chunk": chunk}, bfloat16=True)
        assert float((found @ exact) / (found.norm() * exact.norm())) > 0.97


def test_a_solver_of_flow_maps_needs_one() -> None:
    with pytest.raises(ValueError, match="MMD is of flow maps"):
        build(loss={"type": "MMD", "solver": {"type": "FlowMapEuler"}})


def test_dropout_is_drawn_once() -> None:
    """The masks of a chunk are the same when it is computed again: a difference quotient says so."""
    loss = {"type": "MMD", "kernel": "energy", "features": "latent", "num_intervals": 2, "chunk": 2}
    flow = build(loss=loss, network={**NETWORK, "dropout": 0.3}).double()
    flow.train()
    data = {key: value.double() if value.is_floating_point() else value for key, value in batch(4).items()}
    weight = max(flow.network.parameters(), key=lambda p: p.numel())

    def value() -> Tensor:
        torch.manual_seed(1)
        return next(iter(flow.loss(**data).values()))

    value().backward()
    direction = weight.grad / weight.grad.norm()
    with torch.no_grad():
        weight += 1e-2 * direction
        above = value()
        weight -= 2e-2 * direction
        slope = float(above - value()) / 2e-2
    assert slope == pytest.approx(float(weight.grad.norm()), rel=0.02)
