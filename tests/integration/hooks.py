"""Hooks that a config of the tests brings along with custom_imports."""

import dataclasses
import hashlib
import json
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

from cfmrestore.engine.shards import local
from cfmrestore.flows import CouplingFlow
from cfmrestore.registry import HOOKS, MODELS


def note(runner) -> None:
    """When a fault happened, as the time of a file."""
    Path(runner.work_dir, "fault").touch()


@HOOKS.register_module()
class SendSignal(Hook):
    """Sends the process, behind those that it started, a signal behind an iteration, unless it was resumed."""

    priority = "ABOVE_NORMAL"

    def __init__(self, *, name: str, at: int, rank: int = 0) -> None:
        self.name, self.at, self.rank = name, at, rank

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        if runner.iter + 1 == self.at and not runner._resume and get_rank() == self.rank:
            note(runner)
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


@HOOKS.register_module()
class WriteBytes(Hook):
    """Leaves what this process holds of weights, gradients and optimizer states, in bytes, behind the second step."""

    def before_train(self, runner):
        runner.optim_wrapper.optimizer.register_step_pre_hook(lambda *args: self.look(runner))

    def look(self, runner):
        weights = list(runner.model.parameters())
        held = {"weights": weights, "gradients": [weight.grad for weight in weights if weight.grad is not None]}
        optimizer = runner.optim_wrapper.optimizer
        states = getattr(optimizer, "optim", optimizer).state.values()  # ZeRO's own optimizer has its part alone
        held["states"] = [one for state in states for one in state.values() if torch.is_tensor(one) and one.dim()]
        sizes = {name: sum(local(one).nbytes for one in values) for name, values in held.items()}
        if runner.iter == 1:
            Path(runner.work_dir, f"bytes_{get_rank()}.json").write_text(json.dumps(sizes))


@MODELS.register_module()
class DoubleFlow(CouplingFlow):
    """A flow whose network computes in float64."""

    def __init__(self, **keys):
        super().__init__(**keys)
        for part in (self.network, self.conditions):
            part.double()

    def draw(self, **inputs):
        point = super().draw(**inputs)
        told = {name: value.double() for name, value in point.conditioning.items()}
        return dataclasses.replace(
            point, x_t=point.x_t.double(), dx_t=point.dx_t.double(), t=point.t.double(), conditioning=told
        )


@HOOKS.register_module()
class Hang(Hook):
    """Sleeps for ever in rank 1, behind an iteration."""

    def __init__(self, *, at: int) -> None:
        self.at = at

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        if runner.iter + 1 == self.at and get_rank() == 1:
            note(runner)
            time.sleep(1000)


@HOOKS.register_module()
class Fail(Hook):
    """Ends rank 1 with an error, behind an iteration."""

    def __init__(self, *, at: int) -> None:
        self.at = at

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        if runner.iter + 1 == self.at and get_rank() == 1:
            note(runner)
            raise ValueError("the picture a.png cannot be read")


@HOOKS.register_module()
class SpoilLoss(Hook):
    """Makes what the network of one rank says NaN in some iterations."""

    def __init__(self, *, at: list[int], rank: int = 0) -> None:
        self.at, self.rank, self.now = at, rank, False

    def before_train(self, runner):
        runner.bare_model.network.register_forward_hook(lambda *call: call[-1] * float("nan") if self.now else None)

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        self.now = runner.iter + 1 in self.at and get_rank() == self.rank

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        self.now = False
