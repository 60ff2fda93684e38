"""The moving average follows its rule, is what is evaluated and saved, and gives the weights back."""

from types import SimpleNamespace

import pytest
import torch
from torch import nn

from cfmrestore.engine.hooks import EMAHook


class Run:
    """As much of a runner as the hook asks for."""

    def __init__(self) -> None:
        torch.manual_seed(0)
        self.bare_model = nn.Linear(3, 2)
        self.iter = 0

    def step(self, hook: EMAHook) -> None:
        with torch.no_grad():
            for parameter in self.bare_model.parameters():
                parameter.add_(torch.randn(parameter.shape))
        hook.after_train_iter(self, self.iter)
        self.iter += 1


def check_average(hook: EMAHook) -> None:
    """Against the formula, written out: beta_k = min(beta, 1 - (1 + k)^-3/4) with k counted behind update_after."""
    run = Run()
    hook.before_train(run)
    expected = run.bare_model.weight.detach().clone()
    for step in range(1, 30):
        run.step(hook)
        k = step - hook.update_after - 1
        beta = min(hook.decay, 1 - (1 + k) ** -0.75) if k > 0 else 0.0
        expected = beta * expected + (1 - beta) * run.bare_model.weight.detach()
    assert torch.allclose(hook.average["weight"], expected, atol=1e-6)


@pytest.mark.parametrize("update_after", [0, 10])
def test_the_average_is_its_formula(update_after: int) -> None:
    check_average(EMAHook(decay=0.9, update_after=update_after))


class Stale(EMAHook):
    """Averages the weights of one step ago: the published defect of updating before the optimizer."""

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        current = {k: v.clone() for k, v in runner.bare_model.state_dict().items()}
        runner.bare_model.load_state_dict(getattr(self, "past", current))
        super().after_train_iter(runner, batch_idx)
        runner.bare_model.load_state_dict(current)
        self.past = current


def test_the_formula_rejects_its_mutant() -> None:
    with pytest.raises(AssertionError):
        check_average(Stale(decay=0.9))


def check_swap(hook: EMAHook) -> None:
    run = Run()
    hook.before_train(run)
    for _ in range(5):
        run.step(hook)
    raw, average = run.bare_model.weight.detach().clone(), hook.average["weight"].clone()
    hook.before_val_epoch(run)
    assert torch.equal(run.bare_model.weight, average)
    assert not torch.equal(raw, average)
    hook.after_val_epoch(run)
    assert torch.equal(run.bare_model.weight, raw)
    assert torch.equal(hook.average["weight"], average)


def test_the_average_is_evaluated_and_the_weights_come_back() -> None:
    check_swap(EMAHook(decay=0.9))


class NotApplied(EMAHook):
    """Keeps an average and evaluates the raw weights."""

    def before_val_epoch(self, runner):
        pass

    def after_val_epoch(self, runner, metrics=None):
        pass


def test_the_swap_rejects_its_mutant() -> None:
    with pytest.raises(AssertionError):
        check_swap(NotApplied(decay=0.9))


def test_the_average_is_saved_and_found_again() -> None:
    run, hook = Run(), EMAHook(decay=0.9)
    hook.before_train(run)
    for _ in range(5):
        run.step(hook)
    checkpoint = {"state_dict": {k: v.clone() for k, v in run.bare_model.state_dict().items()}}
    hook.before_save_checkpoint(run, checkpoint)
    assert torch.equal(checkpoint["raw_state_dict"]["weight"], run.bare_model.weight)
    assert torch.equal(checkpoint["state_dict"]["weight"], hook.average["weight"])
    again = EMAHook(decay=0.9)
    again.after_load_checkpoint(SimpleNamespace(), checkpoint)
    again.before_train(run)
    assert torch.equal(again.average["weight"], hook.average["weight"])
