"""What is compiled of networks and encoders, that it computes the same, and that the next process need not compile."""

from pathlib import Path

import pytest
import torch
from torch import nn

from cfmrestore.encoders.taef2 import Block, build_decoder
from cfmrestore.execution.compiling import repeated_blocks
from cfmrestore.networks import DiT, UNet
from cfmrestore.networks.layers import TransformerBlock
from tests.networks.compiling import run_code


def kinds(module: nn.Module) -> list[str]:
    return [type(block).__name__ for block in repeated_blocks(module)]


def test_blocks_are_the_repeated_parts_of_a_network() -> None:
    with torch.device("meta"):
        unet = UNet(channels=4, base_channels=32, channel_factors=(1, 2), blocks=2, attention_factors=(2,))
        dit = DiT(channels=4, width=32, depth=3, heads=2)
    assert kinds(unet) == ["_Stage"] * (4 + 2 + 6)  # down, middle, up
    assert repeated_blocks(dit) == [*dit.blocks]
    assert {*kinds(dit)} == {TransformerBlock.__name__}
    assert {*kinds(build_decoder())} == {Block.__name__}
    assert repeated_blocks(nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))) == []


CODE = """
import torch
from cfmrestore.registry import MODELS

torch.manual_seed(0)
config = dict(
    type="CouplingFlow", encoder=dict(type="Haar", factor=2), coupling=dict(type="LowresLatent"),
    network=dict(type="DiT", width=16, depth=3, heads=2, input_size=4),
)
inputs = dict(high=torch.rand(2, 3, 8, 8), low=torch.rand(2, 3, 2, 2), seeds=torch.arange(2), numbers=torch.arange(2))

def run(compile):
    torch.manual_seed(0)
    flow = MODELS.build(dict(config, compile=compile))
    for parameter in flow.parameters():  # the head begins at zero
        torch.nn.init.normal_(parameter, std=0.2)
    loss = flow(inputs, mode="loss")["loss_mse"]
    loss.backward()
    gradients = [p.grad for p in flow.network.parameters() if p.grad is not None]
    return [loss, *gradients, flow.restore(inputs["low"], inputs["seeds"]).image]

for expected, found in zip(run(False), run(True), strict=True):
    assert expected.abs().max() > 0
    assert torch.allclose(found, expected, rtol=1e-4, atol=1e-4), (found - expected).abs().max()
from torch._dynamo.utils import counters  # at the end, since it chooses the folder of what is compiled
inductor = counters["inductor"]
print(counters["stats"]["unique_graphs"], inductor["fxgraph_cache_miss"], inductor["fxgraph_cache_hit"])
"""


@pytest.mark.slow
def test_compiled_a_flow_computes_the_same_and_the_next_process_finds_it_compiled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three blocks are one graph."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("TORCHINDUCTOR_CACHE_DIR", raising=False)
    (first, *compiled), (second, *found) = (map(int, run_code(CODE).split()) for _ in range(2))
    assert first == second == 1
    assert compiled[0] > 0
    assert (tmp_path / "cfmrestore" / "compiled").is_dir()
    assert found == [0, compiled[0]]
