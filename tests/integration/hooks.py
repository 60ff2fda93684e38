"""Hooks that a config of the tests brings along with custom_imports."""

import hashlib
import os
import pickle
import random
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import torch
from mmengine.dist import get_rank
from mmengine.hooks import Hook

from cfmrestore.registry import HOOKS


@HOOKS.register_module()
class SendSignal(Hook):
    """Sends the process, behind those that it started, a signal behind an iteration, unless it was resumed."""

    priority = "ABOVE_NORMAL"

    def __init__(self, *, name: str, at: int) -> None:
        self.name, self.at = name, at

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        if runner.iter + 1 == self.at and not runner._resume and get_rank() == 0:
            started = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
            # From elsewhere, as a scheduler does: torch's workers take a signal of their parent in another way.
            subprocess.run(["kill", f"-{self.name.removeprefix('SIG')}", *started, str(os.getpid())], check=True)
            time.sleep(0.2)


@HOOKS.register_module()
class DieInEvaluation(Hook):
    """Kills the process as the evaluation of an iteration begins, unless it was resumed."""

    def __init__(self, *, at: int) -> None:
        self.at = at

    def before_val_epoch(self, runner):
        if runner.iter == self.at and not runner._resume:
            os.kill(os.getpid(), signal.SIGKILL)


@HOOKS.register_module()
class WriteRandomState(Hook):
    """Leaves a digest of all global generators at the end of a run."""

    priority = "LOWEST"

    def after_train(self, runner):
        state = (torch.get_rng_state().numpy().tobytes(), np.random.get_state()[1:], random.getstate())  # noqa: NPY002
        text = hashlib.sha256(pickle.dumps(state)).hexdigest()
        Path(runner.work_dir, f"random_{get_rank()}.txt").write_text(text)


@HOOKS.register_module()
class Poison(Hook):
    """Makes a weight infinite: the next loss is not finite."""

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        if runner.iter == 2:
            next(runner.model.parameters()).data.fill_(float("inf"))
