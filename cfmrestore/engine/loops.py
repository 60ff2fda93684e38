"""Loops of training and test."""

import random
from collections.abc import Mapping
from functools import partial
from itertools import chain, islice
from typing import Any

import numpy as np
import torch
from mmengine.dist import all_gather_object, all_reduce_dict, get_rank
from mmengine.runner import BaseLoop
from mmengine.runner import TestLoop as MMTestLoop
from mmengine.runner.amp import autocast
from torch import Tensor, nn

from cfmrestore.engine.memory import keep_freed_memory
from cfmrestore.evaluation.scores import Scores
from cfmrestore.ops.rng import mix
from cfmrestore.registry import LOOPS


@LOOPS.register_module()
class IterBasedTrainLoop(BaseLoop):
    """Counts optimizer steps: an iteration is one of them, however many micro-batches it accumulates.

    So the learning rate, the moving average, checkpoints and evaluations mean the same with and without accumulation.
    To resume, the sampler starts behind the draws that were used; no batch is replayed. Before every iteration the
    global generators are seeded from (run seed, iteration, rank): whatever a network draws, a resumed run draws too.

    Args:
        dataloader: The training data, from a sampler without end.
        max_iters: Optimizer steps.
        val_begin: First iteration with an evaluation.
        val_interval: Iterations between evaluations; the last iteration has one too.
        max_skipped: Iterations in a row whose loss or gradient is not finite, and which therefore change nothing,
            before the training ends with an error.
    """

    def __init__(
        self,
        runner: Any,
        dataloader: Any,
        max_iters: int,
        val_begin: int = 1,
        val_interval: int = 1000,
        max_skipped: int = 10,
    ) -> None:
        super().__init__(runner, dataloader)
        for name, value in (("max_iters", max_iters), ("val_interval", val_interval), ("max_skipped", max_skipped)):
            if not isinstance(value, int | float) or value < 1:
                raise ValueError(f"train_cfg.{name} must be a positive number; got {value!r}")
        self.max_skipped = max_skipped
        self.max_iters, self.val_begin, self.val_interval = int(max_iters), val_begin, val_interval
        self.max_epochs, self.epoch, self.iter = 1, 0, 0  # the names by which mmengine's hooks ask
        self.stop_training = False
        if not hasattr(self.dataloader.sampler, "first"):
            raise ValueError("training needs a sampler that can start anywhere: sampler=dict(type='DrawSampler')")

    @property
    def micro_batches(self) -> int:
        return self.runner.cfg.optim_wrapper.get("accumulative_counts", 1)

    def run(self) -> nn.Module:
        keep_freed_memory()
        self.runner.call_hook("before_train")
        self.runner.call_hook("before_train_epoch")
        k, wrapper = self.micro_batches, self.runner.optim_wrapper
        wrapper.initialize_count_status(self.runner.model, self.iter * k, self.max_iters * k)
        sampler = self.dataloader.sampler
        sampler.first = self.iter * k * self.dataloader.batch_size * sampler.world_size
        if self.iter and self._due() and self.runner.message_hub.runtime_info.get("evaluated_at") != self.iter:
            self.runner.val_loop.run()  # the run was stopped between its checkpoint and its evaluation
        if self.iter >= self.max_iters:
            self.runner.logger.info(
                f"nothing is left to train: the run is at iteration {self.iter} of {self.max_iters}; to go on, give it "
                "more: --cfg-options train_cfg.max_iters=N"
            )
        batches = iter(self.dataloader)
        while self.iter < self.max_iters and not self.stop_training:
            self.runner.model.train()
            self.run_iter(batches)
            if self._due() and not self.stop_training:
                self.runner.val_loop.run()
        self.runner.call_hook("after_train_epoch")
        self.runner.call_hook("after_train")
        return self.runner.model

    def _due(self) -> bool:
        """Whether an evaluation follows the iteration that just ended."""
        if self.runner.val_loop is None or self.iter < self.val_begin:
            return False
        return self.iter % self.val_interval == 0 or self.iter == self.max_iters

    def run_iter(self, batches: Any) -> None:
        """One optimizer step."""
        batch = next(batches)
        self.runner.call_hook("before_train_iter", batch_idx=self.iter, data_batch=batch)
        seed_everything(mix(self.runner.seed, self.iter, get_rank()))
        step = partial(self.runner.model.train_step, optim_wrapper=self.runner.optim_wrapper)
        logs = [step(one) for one in chain([batch], islice(batches, self.micro_batches - 1))]
        outputs = {name: torch.stack([log[name].detach().float() for log in logs]).mean() for name in logs[0]}
        own_loss = outputs["loss"].clone()
        all_reduce_dict(outputs, op="mean")
        if self._count_skipped(own_loss, outputs["loss"], batch):  # logs show means, which one of these would spoil
            outputs = {name: value for name, value in outputs.items() if value.isfinite()}
        elif (norm := getattr(self.runner.optim_wrapper, "grad_norm", None)) is not None:
            outputs["grad_norm"] = norm
        self.runner.call_hook("after_train_iter", batch_idx=self.iter, data_batch=batch, outputs=outputs)
        self.iter += 1

    def _count_skipped(self, own_loss: Tensor, loss: Tensor, batch: dict[str, Any]) -> bool:
        """Whether the step changed nothing, which is told; too many in a row are an error. Checkpoints keep the counts.

        An optimizer wrapper of one's own, which skips none, ends with the first loss that is not finite.
        """
        hub, wrapper = self.runner.message_hub, self.runner.optim_wrapper
        skips = hasattr(wrapper, "skipped")
        skipped = wrapper.skipped if skips else not bool(loss.isfinite())
        in_row = hub.runtime_info.get("skipped_in_row", 0) + 1 if skipped else 0
        hub.update_info("skipped_in_row", in_row)
        if not skipped:
            return False
        hub.update_info("skipped_steps", hub.runtime_info.get("skipped_steps", 0) + 1)
        names = ", ".join(batch["data_samples"]["name"][:4])
        here = "" if own_loss.isfinite() else f"the loss is {float(own_loss)} (images {names} ...)"
        told = "; ".join(filter(None, all_gather_object(here))) or "a gradient is not finite"
        if skips and in_row < self.max_skipped:
            self.runner.logger.warning(f"iteration {self.iter + 1} is skipped, {in_row} in a row: {told}")
            return True
        raise ValueError(
            f"{told} at iteration {self.iter + 1}, and {in_row} in a row were so (train_cfg.max_skipped): lower "
            "optim_wrapper.optimizer.lr, set optim_wrapper.clip_grad, or train without --amp; checkpoints are intact"
        )


class TestLoop(MMTestLoop):
    """Restores and measures one set of images; the scores are returned structured, and logged flat.

    Beside mmengine's arguments it takes ``options``, keyword arguments of the model's ``test_step``.
    """

    def __init__(
        self, runner: Any, dataloader: Any, evaluator: Any, fp16: bool = False, options: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(runner, dataloader, evaluator, fp16)
        self.options = options or {}
        self.num_images = len(self.dataloader.dataset)
        self.evaluator.prepare(self.num_images)

    def run(self) -> Scores:
        self.runner.call_hook("before_test")
        self.runner.call_hook("before_test_epoch")
        self.runner.model.eval()
        for index, batch in enumerate(self.dataloader):
            self.run_iter(index, batch)
        scores = self.evaluator.score(self.num_images)
        self.runner.call_hook("after_test_epoch", metrics=scores.to_flat())
        self.runner.call_hook("after_test")
        return scores

    @torch.no_grad()
    def run_iter(self, idx: int, data_batch: Any) -> None:
        self.runner.call_hook("before_test_iter", batch_idx=idx, data_batch=data_batch)
        with autocast(enabled=self.fp16):
            outputs = self.runner.bare_model.test_step(data_batch, **self.options)
        self.evaluator.process(data_samples=outputs, data_batch=data_batch)
        self.runner.call_hook("after_test_iter", batch_idx=idx, data_batch=data_batch, outputs=outputs)


def seed_everything(seed: int) -> None:
    """Set the global generators of Python, numpy and torch."""
    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002 - plugins may draw from numpy's global generator
    torch.manual_seed(seed)
