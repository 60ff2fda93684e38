"""Steps from what is not finite are skipped, and change nothing."""

import copy
import math

import pytest
import torch
from torch import nn

from cfmrestore.engine.amp_optim_wrapper import AmpOptimWrapper
from cfmrestore.engine.optim_wrapper import OptimWrapper, with_fused_step
from tests.testing import same


def make(cls: type = OptimWrapper, scale: float = 0.0, **keys) -> tuple[nn.Module, OptimWrapper]:
    torch.manual_seed(0)
    model = nn.Linear(3, 2)
    keys |= {"precision": "fp32"} if cls is AmpOptimWrapper else {}
    wrapper = cls(torch.optim.AdamW(model.parameters(), lr=0.1), **keys)
    if scale:
        wrapper.scaler = torch.amp.GradScaler("cpu", init_scale=scale)
    return model, wrapper


def state(model: nn.Module, wrapper: OptimWrapper) -> list:
    return copy.deepcopy([model.state_dict(), wrapper.optimizer.state_dict()])


def loss_of(model: nn.Module, factor: float = 1.0) -> torch.Tensor:
    return (model(torch.ones(1, 3)).square() * factor).mean()


@pytest.mark.parametrize("cls", [OptimWrapper, AmpOptimWrapper])
@pytest.mark.parametrize("clip", [None, {"max_norm": 1.0}])
@pytest.mark.parametrize("factor", [math.nan, math.inf])
def test_a_loss_that_is_not_finite(cls: type, clip: dict | None, factor: float) -> None:
    model, wrapper = make(cls, clip_grad=clip and dict(clip))
    wrapper.update_params(loss_of(model))
    before = state(model, wrapper)
    wrapper.update_params(loss_of(model, factor))
    assert wrapper.skipped
    assert same(state(model, wrapper), before)
    wrapper.update_params(loss_of(model))
    assert not wrapper.skipped
    assert not same(state(model, wrapper)[0], before[0])
    assert all(value.isfinite().all() for value in model.state_dict().values())


def test_a_gradient_that_is_not_finite() -> None:
    """That of a root at zero, whose value is fine."""
    model, wrapper = make()
    before = state(model, wrapper)
    loss = (model.weight * 0).abs().sum().sqrt()
    assert loss.isfinite()
    wrapper.update_params(loss)
    assert wrapper.skipped
    assert same(state(model, wrapper), before)


def test_one_of_several_micro_batches() -> None:
    model, wrapper = make(accumulative_counts=2)
    wrapper.initialize_count_status(model, 0, 8)
    before = state(model, wrapper)
    for factor in (math.nan, 1.0):
        wrapper.update_params(loss_of(model, factor))
    assert wrapper.skipped
    assert same(state(model, wrapper), before)
    for _ in range(2):
        wrapper.update_params(loss_of(model))
    assert not wrapper.skipped
    assert not same(state(model, wrapper), before)


def test_large_numbers_are_finite() -> None:
    model, wrapper = make()
    wrapper.update_params((model.weight * 1e15).sum())
    assert not wrapper.skipped


def overflow(model: nn.Module) -> torch.Tensor:
    """A loss whose gradient is finite, and is not once it is scaled."""
    return (model.weight * 1e36).sum()


def test_what_the_loss_scale_skips_does_not_count() -> None:
    model, wrapper = make(AmpOptimWrapper, scale=1024.0)
    before = state(model, wrapper)
    wrapper.update_params(overflow(model))
    assert same(state(model, wrapper), before)
    assert not wrapper.skipped
    assert wrapper.scaler.get_scale() == 512
    wrapper.update_params(loss_of(model, math.nan))
    assert wrapper.skipped
    assert wrapper.scaler.get_scale() == 512  # to which a loss says nothing
    assert same(state(model, wrapper), before)


def test_below_a_loss_scale_of_one_steps_count() -> None:
    model, wrapper = make(AmpOptimWrapper, scale=1.0)
    skipped = []
    for _ in range(3):
        wrapper.update_params((model.weight * 0).abs().sum().sqrt())
        skipped.append(wrapper.skipped)
    assert skipped == [False, True, True]
    wrapper.update_params(loss_of(model))
    assert not wrapper.skipped


def test_adam_is_fused_on_a_gpu_and_stays_as_it_was_on_a_cpu() -> None:
    config = {"type": "OptimWrapper", "optimizer": {"type": "AdamW", "lr": 1e-3}}
    assert with_fused_step(config, "cuda")["optimizer"] == {"type": "AdamW", "lr": 1e-3, "fused": True}
    assert with_fused_step(config, "cpu") is config


@pytest.mark.parametrize(
    "optimizer", [{"type": "Rprop"}, {"type": "Adam", "foreach": True}, {"type": "SGD", "fused": False}]
)
def test_what_has_no_fused_step_or_says_otherwise_is_left_alone(optimizer: dict) -> None:
    config = {"optimizer": optimizer}
    assert with_fused_step(config, "cuda") is config


def test_the_norm_of_the_gradients_is_no_number_yet() -> None:
    layer = nn.Linear(3, 1)
    wrapper = OptimWrapper(torch.optim.SGD(layer.parameters(), lr=0.0), clip_grad={"max_norm": 1e9})
    wrapper.update_params(layer(torch.ones(1, 3)).sum())
    assert isinstance(wrapper.grad_norm, torch.Tensor)
    assert float(wrapper.grad_norm) == pytest.approx(2.0)  # of three weights and a bias
