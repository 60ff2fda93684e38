"""A GPU is waited for by one number of a training step, whether it is skipped, and by none between evaluations.

Without a GPU the steps are taken on torch's device "meta", of which nothing can be read.
"""

import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from cfmrestore.engine.setup import build_runner, prepare_config, remove_evaluation
from cfmrestore.flows.losses.base import Loss
from cfmrestore.flows.sampling import Sampling, Start, sample
from tests.testing import TINY, small_options

DEGRADATION = [
    {"type": "GaussianBlur"}, {"type": "Downscale", "scale": 4}, {"type": "GaussianNoise"}, {"type": "DiffJPEG"},
]  # fmt: skip
_COPIES = {torch.ops.aten._to_copy.default: 0, torch.ops.aten.copy_.default: 1}


class NoBlockingCopies(TorchDispatchMode):
    """Refuses a copy from the host for which it is waited until the device has done all before."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        if func in _COPIES and result.device != args[_COPIES[func]].device:
            assert (kwargs or {}).get("non_blocking") or True in args[2:3], "a copy to the device that waits for it"
        return result


class OneFlag(TorchDispatchMode):
    """Answers the one question that a training step may ask of a device: whether it is to be skipped."""

    def __init__(self) -> None:
        super().__init__()
        self.answered = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is torch.ops.aten._local_scalar_dense.default and args[0].dtype == torch.int32 and not self.answered:
            self.answered += 1
            return 0
        return func(*args, **(kwargs or {}))


def iterate(runner: Any, batches: Iterator[Any], device: str = "meta") -> None:
    """One iteration, of which on the device "meta" nothing is read but one flag."""
    with OneFlag() if device == "meta" else nullcontext() as flag:
        runner.train_loop.run_iter(batches)
    assert flag is None or flag.answered == 1


@contextmanager
def meta_device() -> Iterator[None]:
    """Everything is in float32 there: torch knows no autocast for it."""
    with (
        mock.patch("torch.autocast", return_value=nullcontext()),
        mock.patch("torch.is_autocast_enabled", return_value=False),
        mock.patch("torch.get_autocast_dtype", return_value=torch.float32),
    ):
        yield


def training(folder: Path, device: str) -> tuple[Any, Iterator[Any]]:
    """A runner on a device, two iterations behind its start, and its batches."""
    keys = {"default_hooks.logger.interval": 4, "default_hooks.checkpoint.interval": 100, "train_cfg.max_iters": 100}
    keys |= {
        "model.network.dropout": 0.0,
        "train_dataloader.batch_size": 1,
        "optim_wrapper.clip_grad": {"max_norm": 1.0, "_delete_": True},
    }
    cfg = prepare_config(
        TINY, work_dir=str(folder), launcher="none", options=small_options(folder, degradation=DEGRADATION, **keys)
    )
    remove_evaluation(cfg, "val", "test")
    cfg.custom_hooks = [{"type": "EMAHook"}]
    runner = build_runner(cfg)
    loop = runner.train_loop
    runner.model.to(device)
    runner.optim_wrapper = runner.build_optim_wrapper(runner.optim_wrapper)
    runner.param_schedulers = runner.build_param_scheduler(runner.param_schedulers)
    runner.optim_wrapper.initialize_count_status(runner.model, 0, 100)
    runner.call_hook("before_train")
    runner.call_hook("before_train_epoch")
    batches = iter(loop.dataloader)
    for _ in range(2):  # tables are made once
        iterate(runner, batches, device)
    return runner, batches


def test_a_step_of_training_reads_one_flag_until_it_is_logged(tmp_path: Path) -> None:
    with meta_device():
        runner, batches = training(tmp_path, "meta")
        with NoBlockingCopies():
            iterate(runner, batches)
        with pytest.raises(NotImplementedError, match="Cannot copy out of meta tensor"):
            iterate(runner, batches)  # the fourth, which is logged


class ReadingLoss(Loss):
    """A mutant."""

    def __call__(self, prediction: Any) -> torch.Tensor:
        error = (prediction.network(prediction.x_t, prediction.t) ** 2).mean()
        return error / error.item()


class BlockingLoss(Loss):
    """Another one, which copies as one does."""

    def __call__(self, prediction: Any) -> torch.Tensor:
        factor = torch.ones(3).to(prediction.x_t.device)
        return (prediction.network(prediction.x_t, prediction.t) ** 2).mean() * factor.sum()


class AskingLoss(Loss):
    """A third one, which asks for a flag of its own."""

    def __call__(self, prediction: Any) -> torch.Tensor:
        error = (prediction.network(prediction.x_t, prediction.t) ** 2).mean((1, 2, 3))
        return error * 2 if bool((error.mean() > 1).int()) else error


@pytest.mark.parametrize(
    ("mutant", "error"), [(ReadingLoss(), "item"), (BlockingLoss(), "waits for it"), (AskingLoss(), "item")]
)
def test_a_loss_that_waits_is_found(mutant: Loss, error: str, tmp_path: Path) -> None:
    with meta_device():
        runner, batches = training(tmp_path, "meta")
        runner.model.losses = [mutant]
        with pytest.raises((RuntimeError, AssertionError), match=error), NoBlockingCopies():
            iterate(runner, batches)


def sampled(runner: Any, device: str, waits: AbstractContextManager[Any]) -> Any:
    """Twenty evaluations from a start on a device."""
    flow, size = runner.model, (2, 12, 8, 8)
    x, context = torch.randn(size, device=device), {"context": torch.randn(size, device=device)}
    velocity = flow.execution(dtype=torch.bfloat16).velocity(flow.network, context)
    with torch.no_grad(), waits:
        return sample(Start(velocity, x), flow.path, Sampling(num_intervals=20))


def test_nothing_is_read_between_the_evaluations_of_a_sampling(tmp_path: Path) -> None:
    with meta_device():
        runner, _ = training(tmp_path, "meta")
        assert sampled(runner, "meta", NoBlockingCopies()).nfe == 20


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_gpu_is_waited_for_by_one_flag_of_a_training_step(tmp_path: Path) -> None:
    @contextmanager
    def waiting(answer: str) -> Iterator[None]:
        torch.cuda.set_sync_debug_mode(answer)
        try:
            yield
        finally:
            torch.cuda.set_sync_debug_mode("default")

    runner, batches = training(tmp_path, "cuda")
    with warnings.catch_warnings(record=True) as told, waiting("warn"):
        warnings.simplefilter("always")
        runner.train_loop.run_iter(batches)
    waits = [Path(one.filename).name for one in told if "synchronizing CUDA operation" in str(one.message)]
    assert waits == ["optim_wrapper.py"]
    sampled(runner, "cuda", nullcontext())
    assert sampled(runner, "cuda", waiting("error")).nfe == 20
