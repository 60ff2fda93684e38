"""Writing checkpoints, keeping the last ones and the best."""

import math
from pathlib import Path
from typing import Any

from mmengine.dist import is_main_process
from mmengine.hooks import Hook

from cfmrestore.engine import checkpoints
from cfmrestore.engine.hooks.direction import check_rule, rule_of
from cfmrestore.imageio.atomic import write_text
from cfmrestore.registry import HOOKS


@HOOKS.register_module()
class CheckpointHook(Hook):
    """Saves every ``interval`` iterations and at the end; with OpenMMLab's keys.

    Args:
        interval: Iterations between checkpoints; -1 for none but the last.
        max_keep_ckpts: How many of them are kept; -1 for all.
        save_best: Name of a metric, such as "PSNR": the weights with its best value are kept as ``best_*``.
        rule: "greater" or "less": what is better, where the metric does not say it.
        save_last: Save at the last iteration.
        by_epoch: False; iterations are the only measure.
    """

    priority = "VERY_LOW"

    def __init__(
        self,
        *,
        interval: int = 1000,
        max_keep_ckpts: int = -1,
        save_best: str | None = None,
        rule: str | None = None,
        save_last: bool = True,
        by_epoch: bool = False,
    ) -> None:
        if by_epoch or max_keep_ckpts == 0:
            raise ValueError(f"need by_epoch=False and max_keep_ckpts != 0; got {by_epoch=}, {max_keep_ckpts=}")
        self.interval, self.max_keep_ckpts, self.save_last = interval, max_keep_ckpts, save_last
        self.save_best, self.rule = save_best, check_rule(rule)

    def before_train(self, runner: Any) -> None:
        if self.save_best is not None and runner.val_loop is not None:
            rule_of(runner, self.save_best, self.rule)

    def after_train_iter(self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: Any = None) -> None:
        del batch_idx, data_batch, outputs
        done = runner.iter + 1
        if (self.interval > 0 and done % self.interval == 0) or (self.save_last and done == runner.max_iters):
            self.save(runner, done)

    def save(self, runner: Any, iteration: int) -> None:
        """Write ``iter_N.pth``, or the folder ``iter_N``, point ``last_checkpoint`` at it, and drop the oldest."""
        known = runner.message_hub.runtime_info.get("keep_ckpt_ids", [])
        kept = [n for n in known if n != iteration] + [iteration]
        surplus = kept[: -self.max_keep_ckpts] if self.max_keep_ckpts > 0 else []
        runner.message_hub.update_info("keep_ckpt_ids", kept[len(surplus) :])
        path = runner.save_checkpoint(runner.work_dir, f"iter_{iteration}.pth", iteration=iteration)
        if iteration not in known:
            runner.logger.info(f"saved {path}")
        if is_main_process():
            with checkpoints.disk_named(pointer := Path(runner.work_dir) / checkpoints.LAST):
                write_text(pointer, str(path))
            for old in surplus:
                checkpoints.remove(Path(runner.work_dir) / f"iter_{old}.pth")

    def after_val_epoch(self, runner: Any, metrics: dict[str, float] | None = None) -> None:
        runner.message_hub.update_info("evaluated_at", runner.iter)
        if self.save_best is not None and metrics:
            self._keep_best(runner, self.save_best, metrics)
        if runner.message_hub.runtime_info.get("keep_ckpt_ids", [])[-1:] == [runner.iter]:
            self.save(runner, runner.iter)  # again, so that a resumed run knows of this evaluation

    def _keep_best(self, runner: Any, column: str, metrics: dict[str, float]) -> None:
        if column not in metrics:
            raise ValueError(f"save_best={column!r} is not measured; the evaluation gives {sorted(metrics)}")
        score, info = metrics[column], runner.message_hub.runtime_info
        if math.isnan(score):
            runner.logger.warning(f"{column} is NaN at iteration {runner.iter}: the best weights stay as they are")
            return
        best, rule = info.get("best_score"), rule_of(runner, column, self.rule)
        worse = best is not None and (score <= best if rule == "greater" else score >= best)
        if worse and not math.isnan(best):  # NaN: of a version that took it for the best
            return
        name = f"best_{column.replace('/', '_')}_iter_{runner.iter}.pth"
        previous = info.get("best_ckpt")
        runner.message_hub.update_info("best_score", score)
        runner.message_hub.update_info("best_ckpt", name)
        runner.save_checkpoint(runner.work_dir, name, save_optimizer=False)
        runner.logger.info(f"the best {column} so far, {score:.4f}, is in {name}")
        if previous and previous != name and is_main_process():
            checkpoints.remove(Path(runner.work_dir) / previous)
