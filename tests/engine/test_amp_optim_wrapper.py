"""Precision by what the device can do."""

from pathlib import Path

import pytest
import torch
from torch import nn

from cfmrestore.engine import amp_optim_wrapper
from cfmrestore.engine.amp_optim_wrapper import AmpOptimWrapper
from cfmrestore.execution.precision import best_precision


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


@pytest.mark.parametrize(
    ("before", "now", "message"),
    [(False, True, "holds no loss scale"), (True, False, "left out"), (True, True, None), (False, False, None)],
)
def test_training_goes_on_in_another_precision(
    before: bool, now: bool, message: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A loss scale as float16 has it on a GPU, in the training before and in this one."""

    def wrapper(scaled: bool) -> AmpOptimWrapper:
        wrapped = AmpOptimWrapper(torch.optim.Adam(model.parameters(), lr=0.1), precision="fp32")
        wrapped.scaler = torch.amp.GradScaler("cpu", enabled=scaled, init_scale=8.0)
        return wrapped

    torch.manual_seed(0)
    model = nn.Linear(8, 8)
    first, second, messages = wrapper(before), wrapper(now), []
    first.update_params(model(torch.ones(1, 8)).square().mean())
    state = first.state_dict()
    if before:
        state["scaler"]["scale"] = 4.0
    monkeypatch.setattr(amp_optim_wrapper, "print_log", lambda text, **_: messages.append(text))
    second.load_state_dict(state)
    assert second.scaler.get_scale() == ((4 if before else 8) if now else 1)
    assert second.optimizer.state_dict()["state"][0]["step"] == 1
    assert len(messages) == (message is not None)
    assert message is None or message in messages[0]
    assert "scaler" in state  # the checkpoint itself is left as it is


def test_precision_is_checked() -> None:
    optimizer = torch.optim.SGD(nn.Linear(1, 1).parameters(), lr=0.1)
    with pytest.raises(ValueError, match="unknown precision 'half'"):
        AmpOptimWrapper(optimizer, precision="half")


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


@pytest.mark.skipif(torch.cuda.is_available(), reason="this is about processors")
def test_a_processor_has_no_tf32() -> None:
    optimizer = torch.optim.SGD(nn.Linear(2, 2).parameters(), lr=0.1)
    with pytest.raises(ValueError, match="tf32 is a kind of product that NVIDIA's GPUs have, not a cpu: take 'auto'"):
        AmpOptimWrapper(optimizer, precision="tf32")
