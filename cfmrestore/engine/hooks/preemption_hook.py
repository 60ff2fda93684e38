"""Ending well when the scheduler says so."""

import signal
from collections.abc import Sequence
from types import FrameType
from typing import Any

import torch
from mmengine.dist import all_reduce
from mmengine.hooks import Hook

from cfmrestore.engine.hooks.checkpoint_hook import CheckpointHook
from cfmrestore.registry import HOOKS


@HOOKS.register_module()
class PreemptionHook(Hook):
    """On a signal: finish the iteration, save a checkpoint on which ``--resume`` goes on, and end.

    Ctrl-C is one, and a second Ctrl-C ends the run at once, without a checkpoint.

    Args:
        signals: Names of the signals; Windows has no SIGUSR1, and goes without.
        interval: Iterations between the looks of a distributed run at all its ranks; torchrun, and most schedulers,
            kill what has not ended after half a minute.
    """

    priority = "LOWEST"

    def __init__(self, *, signals: Sequence[str] = ("SIGTERM", "SIGUSR1", "SIGINT"), interval: int = 1) -> None:
        missing = {"SIGUSR1"} - signal.Signals.__members__.keys()
        self.signals = [signal.Signals[name] for name in signals if name not in missing]
        self.interval = interval
        self.received = 0
        self._previous: dict[signal.Signals, Any] = {}

    def _receive(self, number: int, frame: FrameType | None) -> None:
        del frame
        if number == self.received == signal.SIGINT:
            raise KeyboardInterrupt
        self.received = number

    def before_train(self, runner: Any) -> None:
        del runner
        self._previous = {number: signal.signal(number, self._receive) for number in self.signals}

    def after_train_iter(self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: Any = None) -> None:
        del batch_idx, data_batch, outputs
        done = runner.iter + 1
        if runner.distributed and done % self.interval:
            return
        flag = torch.tensor(self.received)
        all_reduce(flag, op="max")
        if int(flag) == 0:
            return
        name = signal.Signals(int(flag)).name
        for hook in runner.hooks:
            if isinstance(hook, CheckpointHook):
                hook.save(runner, done)
        runner.logger.info(f"{name} received: saved after iteration {done}; go on with the same command and --resume")
        runner.train_loop.stop_training = True

    def after_train(self, runner: Any) -> None:
        del runner
        self.release()

    def release(self) -> None:
        """Give the signals back to those who had them before, also where a training raised."""
        while self._previous:
            signal.signal(*self._previous.popitem())
