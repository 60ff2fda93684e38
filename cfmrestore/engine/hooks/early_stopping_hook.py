"""Ending a training that has stopped to improve."""

import math
from typing import Any

from mmengine.hooks import Hook

from cfmrestore.engine.hooks.checkpoint_hook import CheckpointHook
from cfmrestore.engine.hooks.direction import check_rule, rule_of
from cfmrestore.registry import HOOKS


@HOOKS.register_module()
class EarlyStoppingHook(Hook):
    """Ends a training, with a checkpoint, after so many evaluations without a better value; with OpenMMLab's keys.

    The count is part of a checkpoint: a resumed run ends where an unbroken one does, and one that has ended stays so.

    Args:
        monitor: Name of a metric, such as "FD (DigitClassifier)".
        rule: "greater" or "less": what is better, where the metric does not say it.
        min_delta: By how much a value is better at least.
        patience: How many evaluations without one end the training; a value that is NaN is none.
    """

    priority = "LOW"  # behind the moving average, which gives the weights back, and before checkpoints

    def __init__(self, *, monitor: str, rule: str | None = None, min_delta: float = 0.0, patience: int = 5) -> None:
        if min_delta < 0 or patience < 1:
            raise ValueError(f"min_delta is 0 or more and patience 1 or more; got {min_delta=}, {patience=}")
        self.monitor, self.rule, self.min_delta, self.patience = monitor, check_rule(rule), min_delta, patience

    def before_train(self, runner: Any) -> None:
        if runner.val_loop is not None:
            rule_of(runner, self.monitor, self.rule)
        if runner.message_hub.runtime_info.get("evaluations_without_gain", 0) >= self.patience:
            runner.logger.info(f"this run has ended already: {self.monitor} did not improve")
            runner.train_loop.stop_training = True

    def after_val_epoch(self, runner: Any, metrics: dict[str, float] | None = None) -> None:
        if not metrics or self.monitor not in metrics:
            raise ValueError(f"monitor={self.monitor!r} is not measured; the evaluation gives {sorted(metrics or ())}")
        info, score = runner.message_hub.runtime_info, metrics[self.monitor]
        best, waited = info.get("best_monitored"), info.get("evaluations_without_gain", 0) + 1
        rule = rule_of(runner, self.monitor, self.rule)
        gain = math.inf if best is None else score - best if rule == "greater" else best - score
        if not math.isnan(score) and gain > self.min_delta:
            runner.message_hub.update_info("best_monitored", score)
            waited = 0
        runner.message_hub.update_info("evaluations_without_gain", waited)
        if waited < self.patience:
            return
        runner.logger.info(f"{self.monitor} has not improved for {waited} evaluations: the training ends here")
        runner.train_loop.stop_training = True
        for hook in runner.hooks:
            if isinstance(hook, CheckpointHook):
                hook.save(runner, runner.iter)
