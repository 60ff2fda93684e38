"""What a run tells of itself: losses, read from the device only when they are wanted."""

from collections.abc import Sequence
from typing import Any

import torch
from mmengine.hooks import CheckpointHook as MMCheckpointHook
from mmengine.hooks import LoggerHook
from mmengine.hooks import RuntimeInfoHook as MMRuntimeInfoHook
from torch import Tensor

from cfmrestore.engine.hooks.checkpoint_hook import CheckpointHook
from cfmrestore.registry import HOOKS

_MOST = 100  # iterations whose losses wait on the device where nothing asks for them


@HOOKS.register_module()
class RuntimeInfoHook(MMRuntimeInfoHook):
    """mmengine's, but losses stay on the device until they are logged: a GPU that is asked for a number must first end.

    They are read at the iterations of the log, before checkpoints and evaluations, and last.
    """

    _unread: Sequence[dict[str, Tensor]] = ()

    def before_train(self, runner: Any) -> None:
        super().before_train(runner)
        readers = (LoggerHook, CheckpointHook, MMCheckpointHook)
        self._intervals = {hook.interval for hook in runner.hooks if isinstance(hook, readers) and hook.interval > 0}

    def after_train_iter(self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: Any = None) -> None:
        done = runner.iter + 1
        self._unread = [*self._unread, outputs]
        is_asked_for = any(done % n == 0 for n in self._intervals)
        is_last = done == runner.max_iters or self.end_of_epoch(runner.train_dataloader, batch_idx)  # both are logged
        if is_asked_for or is_last or len(self._unread) == _MOST:
            self.read(runner)

    def before_val(self, runner: Any) -> None:
        self.read(runner)
        super().before_val(runner)

    def before_save_checkpoint(self, runner: Any, checkpoint: dict[str, Any]) -> None:
        del checkpoint
        self.read(runner)

    def read(self, runner: Any) -> None:
        """Give the losses to the log, in one copy from the device."""
        if not self._unread:
            return
        unread, self._unread = self._unread, ()
        keys = [key for outputs in unread for key in outputs]
        values = [value for outputs in unread for value in outputs.values()]  # none where all were not finite
        for key, value in zip(keys, torch.stack(values).tolist() if values else [], strict=True):
            runner.message_hub.update_scalar(f"train/{key}", value)
