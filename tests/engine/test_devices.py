"""Precision by what the device can do, and launchers by what the environment says."""

from pathlib import Path

import pytest
import torch
from torch import nn

from cfmrestore.engine import distributed
from cfmrestore.engine.amp_optim_wrapper import AmpOptimWrapper, best_precision


def test_a_cpu_multiplies_bf16_only_where_its_hardware_does() -> None:
    flags = Path("/proc/cpuinfo").read_text()
    native = "amx_bf16" in flags or "avx512_bf16" in flags
    assert best_precision("cpu") == ("bf16" if native else "fp32")


@pytest.mark.skipif(torch.cuda.is_available(), reason="this is about processors")
def test_reduced_precision_trains_on_a_cpu() -> None:
    torch.manual_seed(0)
    model, x = nn.Linear(8, 8), torch.randn(4, 8)
    wrapper = AmpOptimWrapper(
        torch.optim.SGD(model.parameters(), lr=0.1), precision="bf16", clip_grad={"max_norm": 1.0}
    )
    before = model.weight.detach().clone()
    with wrapper.optim_context(model):
        y = model(x)
    assert y.dtype == torch.bfloat16
    wrapper.update_params(y.float().square().mean())
    assert not torch.equal(model.weight, before)
    assert model.weight.dtype == torch.float32
    wrapper.load_state_dict(wrapper.state_dict())


def test_precision_is_checked() -> None:
    optimizer = torch.optim.SGD(nn.Linear(1, 1).parameters(), lr=0.1)
    with pytest.raises(ValueError, match="unknown precision 'half'"):
        AmpOptimWrapper(optimizer, precision="half")


@pytest.mark.parametrize(
    ("flag", "env", "expected"),
    [
        (None, {}, "none"),
        (None, {"RANK": "0", "WORLD_SIZE": "2"}, "pytorch"),
        (None, {"WORLD_SIZE": "1", "RANK": "0"}, "none"),
        ("slurm", {}, "slurm"),
        ("none", {"RANK": "0", "WORLD_SIZE": "2"}, "none"),
    ],
)
def test_the_launcher_is_recognized(flag: str | None, env: dict, expected: str) -> None:
    assert distributed.detect(flag, env) == expected


@pytest.mark.parametrize(
    ("nodes", "first"), [("gpu[03-05,9]", "gpu03"), ("n1,n2", "n1"), ("single", "single"), ("a[7]", "a7")]
)
def test_the_first_host_of_slurm(nodes: str, first: str) -> None:
    assert distributed._first_host(nodes) == first


def test_a_launcher_without_its_environment_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RANK", "SLURM_PROCID"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ValueError, match="torchrun"):
        distributed.join("pytorch")
    with pytest.raises(ValueError, match="SLURM_PROCID"):
        distributed.join("slurm")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_network_agrees_between_devices() -> None:
    from cfmrestore.networks import UNet

    torch.manual_seed(0)
    net = UNet(channels=4, base_channels=32, channel_factors=(1, 2), blocks=1, attention_factors=(2,))
    for parameter in net.parameters():
        nn.init.normal_(parameter, std=0.05)
    x, t = torch.randn(2, 4, 16, 16), torch.rand(2)
    assert torch.allclose(net.cuda()(x.cuda(), t.cuda()).cpu(), net.cpu()(x, t), atol=1e-4)
