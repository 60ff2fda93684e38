"""A moving average of the weights, which is what is evaluated and saved."""

from typing import Any

import torch
from mmengine.hooks import Hook
from torch import Tensor

from cfmrestore.engine.shards import local
from cfmrestore.registry import HOOKS


@HOOKS.register_module()
class EMAHook(Hook):
    r"""An exponential moving average, updated after every optimizer step.

    .. math:: \bar\theta \leftarrow \beta_k \bar\theta + (1 - \beta_k)\, \theta, \qquad
        \beta_k = \min\!\left(\beta, 1 - (1 + k / \gamma)^{-p}\right)

    with k the steps behind ``update_after``, less one; until then the average is a copy of the weights. FMBoost's rule.

    Args:
        decay: The factor beta.
        update_after: Steps before averaging begins.
        inv_gamma: The time scale gamma of the warm-up.
        power: The exponent p of the warm-up.
    """

    priority = "NORMAL"

    def __init__(
        self, *, decay: float = 0.999, update_after: int = 0, inv_gamma: float = 1.0, power: float = 0.75
    ) -> None:
        if not 0 <= decay < 1 or update_after < 0 or not inv_gamma > 0:
            raise ValueError(f"need 0 <= decay < 1, update_after >= 0, inv_gamma > 0; got {decay=}, {update_after=}")
        self.decay, self.update_after, self.inv_gamma, self.power = decay, update_after, inv_gamma, power
        self.average: dict[str, Tensor] = {}

    def decay_at(self, step: int) -> float:
        """The factor of the given optimizer step, counted from 1."""
        k = step - self.update_after - 1
        return min(self.decay, 1 - (1 + k / self.inv_gamma) ** -self.power) if k > 0 else 0.0

    def before_train(self, runner: Any) -> None:
        weights = runner.bare_model.state_dict()
        source = self.average  # as loaded: of a velocity, which lacks what a flow map has beside
        self.average = {
            name: source.get(name, value).detach().to(value.device, value.dtype, copy=True)
            for name, value in weights.items()
        }

    @torch.no_grad()
    def after_train_iter(self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: Any = None) -> None:
        del batch_idx, data_batch, outputs
        weights = runner.bare_model.state_dict()
        floats = [name for name, value in weights.items() if value.is_floating_point()]
        averages, decay = [local(self.average[name]) for name in floats], self.decay_at(runner.iter + 1)
        torch._foreach_lerp_(averages, [local(weights[name]) for name in floats], 1 - decay)
        for name in weights.keys() - set(floats):
            self.average[name].copy_(weights[name])

    @torch.no_grad()
    def before_val_epoch(self, runner: Any) -> None:
        """Average and weights change places."""
        weights = runner.bare_model.state_dict()
        for name, average in self.average.items():
            mine, other = local(average), local(average).clone()
            mine.copy_(local(weights[name]))
            local(weights[name]).copy_(other)

    def after_val_epoch(self, runner: Any, metrics: dict[str, float] | None = None) -> None:
        del metrics
        self.before_val_epoch(runner)

    def before_save_checkpoint(self, runner: Any, checkpoint: dict[str, Any]) -> None:
        del runner
        checkpoint["raw_state_dict"] = checkpoint["state_dict"]
        checkpoint["state_dict"] = dict(self.average)

    def after_load_checkpoint(self, runner: Any, checkpoint: dict[str, Any]) -> None:
        del runner
        self.average = dict(checkpoint["state_dict"])
