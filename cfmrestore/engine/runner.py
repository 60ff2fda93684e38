"""mmengine's runner, for any device, with checkpoints that resume exactly."""

import copy
import itertools
import logging
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Mapping
from functools import cached_property, partial
from pathlib import Path
from typing import Any, ClassVar

from mmengine.device import get_device
from mmengine.dist import is_main_process
from mmengine.evaluator import Evaluator
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from torch import Tensor, nn

from cfmrestore._compat import patch_torchvision
from cfmrestore.datasets.base import contents_of
from cfmrestore.engine import checkpoints, shards
from cfmrestore.engine.loops import TestLoop
from cfmrestore.engine.optim_wrapper import with_fused_step
from cfmrestore.engine.strategies import Strategy, build_strategy
from cfmrestore.engine.strategies.fsdp import GatherWeights
from cfmrestore.evaluation.metrics.evaluator import RestorationEvaluator
from cfmrestore.evaluation.scores import Scores
from cfmrestore.flows.losses.base import Loss
from cfmrestore.process import is_quiet
from cfmrestore.registry import DATASETS, LOOPS, RUNNERS, check_keys, find_class

_OF_EVERY_RUN = ("Hooks will be executed", "Distributed training is not used, all SyncBatchNorm")
_NUMBERS = {"lr", "weight_decay", "eps", "momentum"}  # of optimizers
_WARNINGS = {signal.Signals[name] for name in ("SIGTERM", "SIGUSR1", "SIGINT") if hasattr(signal, name)}


def _start_worker(start: Callable[[int], None] | None, worker: int) -> None:
    """A scheduler warns all processes of a job; what to do then is for the one that trains, whose workers go on."""
    if hasattr(signal, "sigwaitinfo"):
        signal.pthread_sigmask(signal.SIG_BLOCK, _WARNINGS)
        parent = multiprocessing.parent_process()
        threading.Thread(target=_end_with, args=(parent.pid if parent else None,), daemon=True).start()
    else:  # Windows and macOS do not tell who sent a signal: SIGTERM is the trainer's, Ctrl-C goes to all
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    if start is not None:
        start(worker)


def _end_with(parent: int | None) -> None:
    """Wait until the process that trains ends this worker, and heed no other."""
    while signal.sigwaitinfo(_WARNINGS).si_pid != parent:
        pass
    os._exit(0)


def relative_to_here() -> str:
    """What is said of a folder that is not found under its relative name."""
    return f"relative to {Path.cwd()}; --cfg-options data_root=FOLDER val_root=FOLDER"


def _build_dataset(config: Mapping[str, Any], seed: int | None) -> Any:
    """A dataset; of a folder that is named relative to another place than this, the error says so."""
    try:
        return DATASETS.build(config, default_args={"seed": seed})
    except ValueError as error:
        root = config.get("data_root")
        if not isinstance(root, str) or Path(root).is_absolute() or Path(root).exists():
            raise
        raise ValueError(f"{error} ({relative_to_here()})") from error


@RUNNERS.register_module()
class RestorationRunner(Runner):
    """Changes of mmengine's runner: CPU processes in a group, seeds for datasets, and the format of checkpoints."""

    optim_wrapper: Any
    param_schedulers: Any
    _shards: Path | None = None
    """The folder that was read or written last, whose tensors need not be written again."""
    _timestamp: str
    _starts: ClassVar[set[str]] = set()

    def setup_env(self, env_cfg: dict[str, Any]) -> None:
        """A start of its own: runs of one second would share what mmengine keeps by name (log, trackers)."""
        super().setup_env(env_cfg)
        second = self._timestamp
        names = itertools.chain([second], (f"{second}_{i}" for i in itertools.count(2)))
        self._timestamp = next(name for name in names if name not in self._starts)
        self._starts.add(self._timestamp)

    def dump_config(self) -> None:
        """Of a training: what is tested in its folder leaves the config that trained there."""
        if self.cfg.get("train_cfg") is not None:
            super().dump_config()

    def _log_env(self, env_cfg: dict[str, Any]) -> None:
        """The machine and the whole config, and later what mmengine says of every run, in the log's file alone."""
        patch_torchvision()  # mmengine imports it to print its version
        screens = {h: h.level for h in self.logger.handlers if not isinstance(h, logging.FileHandler)}
        for screen in screens:
            screen.setLevel(logging.WARNING)
            screen.addFilter(lambda record: not record.getMessage().startswith(_OF_EVERY_RUN))
        try:
            super()._log_env(env_cfg)
        finally:
            for screen, level in screens.items():
                screen.setLevel(logging.WARNING if is_quiet() else level)

    @cached_property
    def strategy(self) -> Strategy:
        """What the processes of this training divide; one that does not train divides nothing."""
        return build_strategy(self.cfg.get("strategy", "ddp") if self.cfg.get("train_cfg") else "ddp")

    @property
    def bare_model(self) -> Any:
        """The model without its distributed wrapper."""
        return self.model.module if is_model_wrapper(self.model) else self.model

    @property
    def _losses(self) -> list[Loss]:
        """Those of a model that is made of the toolkit's; another one may have what it likes under that name."""
        held = getattr(self.bare_model, "losses", None)
        return [loss for loss in held if isinstance(loss, Loss)] if isinstance(held, list) else []

    @staticmethod
    def build_dataloader(dataloader: Any, seed: int | None = None, diff_rank_seed: bool = False) -> Any:
        """Give the dataset the run's seed, from which it seeds each image."""
        if isinstance(dataloader, dict):
            dataloader = copy.deepcopy(dataloader)
            dataloader["dataset"] = _build_dataset(dataloader["dataset"], seed)
        loader = Runner.build_dataloader(dataloader, seed=seed, diff_rank_seed=diff_rank_seed)
        if loader.num_workers:
            loader.worker_init_fn = partial(_start_worker, loader.worker_init_fn)
        return loader

    def build_train_loop(self, loop: Any) -> Any:
        """Iterations are the only measure of progress; stored latents must be of the model's space."""
        if isinstance(loop, dict):
            if "max_epochs" in loop or loop.get("by_epoch"):
                raise ValueError("train_cfg counts optimizer steps: give max_iters instead of epochs")
            loop = {"type": "IterBasedTrainLoop", **{k: v for k, v in loop.items() if k != "by_epoch"}}
            check_keys(find_class(loop, LOOPS), loop, where="train_cfg: ")
        built = self._with_checked_data(super().build_train_loop(loop))
        self.logger.info("training on %s", contents_of(built.dataloader.dataset))
        return built

    def _with_checked_data(self, loop: Any) -> Any:
        """Refuse a dataset that does not belong to the model."""
        if hasattr(dataset := loop.dataloader.dataset, "check_flow"):
            dataset.check_flow(self.bare_model)
        return loop

    def build_val_loop(self, loop: Any) -> Any:
        """Refuse what its metrics cannot measure before anything is trained."""
        built = self._with_checked_data(super().build_val_loop(loop))
        if self.strategy.shards_weights:
            self.register_hook(GatherWeights())
        self.logger.info("validation on %s", contents_of(built.dataloader.dataset))
        if isinstance(built.evaluator, RestorationEvaluator):
            built.evaluator.prepare(len(built.dataloader.dataset))
        return built

    def build_test_loop(self, loop: Any) -> Any:
        """The loop that returns structured scores, unless the config names another one."""
        if isinstance(loop, dict) and loop.get("type", "TestLoop") == "TestLoop":
            keys = {key: value for key, value in loop.items() if key != "type"}
            return self._with_checked_data(TestLoop(self, self._test_dataloader, self._test_evaluator, **keys))
        return self._with_checked_data(super().build_test_loop(loop))

    def build_evaluator(self, evaluator: Any) -> Evaluator:
        """Metrics as configs list them."""
        built = super().build_evaluator(evaluator)
        return RestorationEvaluator(built.metrics) if type(built) is Evaluator else built

    def build_param_scheduler(self, scheduler: Any) -> Any:
        """A schedule that would begin behind a short run waits there; of others that end first the key is said."""
        last = (self.cfg.get("train_cfg") or {}).get("max_iters", 0)
        for index, one in enumerate(scheduler if isinstance(scheduler, list | tuple) else [scheduler]):
            if isinstance(one, dict) and (end := one.get("end")) is not None and end <= one.get("begin", 0):
                begin = one.get("begin", 0)
                if begin < last or not last:
                    raise ValueError(
                        f"param_scheduler.{index} goes from iteration {begin} to {end}: set its begin and end so that "
                        "it lies within train_cfg.max_iters, or param_scheduler=None"
                    )
                one["end"] = begin + last
        return super().build_param_scheduler(scheduler)

    def _init_model_weights(self) -> None:
        """Only where a training begins: one that goes on has them in its checkpoint."""
        if not (self._resume and self._load_from) and not self.strategy.shards_weights:
            super()._init_model_weights()

    def build_optim_wrapper(self, optim_wrapper: Any) -> Any:
        if self.distributed and isinstance(optim_wrapper, dict):
            optim_wrapper = {**optim_wrapper, "optimizer": self.strategy.optimizer(optim_wrapper["optimizer"])}
        try:
            if isinstance(optim_wrapper, Mapping):
                optim_wrapper = with_fused_step(optim_wrapper, get_device())
            return super().build_optim_wrapper(optim_wrapper)
        except TypeError as error:
            optimizer = optim_wrapper.get("optimizer") if isinstance(optim_wrapper, Mapping) else None
            for key, value in (optimizer if isinstance(optimizer, Mapping) else {}).items():
                if key in _NUMBERS and isinstance(value, str):
                    raise ValueError(f"optim_wrapper.optimizer.{key} must be a number; got {value!r}") from error
            raise ValueError(f"optim_wrapper cannot be built from {optim_wrapper}: {error}") from error

    def wrap_model(self, model_wrapper_cfg: dict[str, Any] | None, model: Any) -> nn.Module:
        if not self.distributed and self.strategy.divides:
            raise ValueError(
                f"strategy {self.cfg.strategy!r} divides {self.strategy.divides} among processes, and this is one "
                "alone: start it by torchrun --nproc_per_node N, or take strategy='ddp', which goes on with its "
                "checkpoints"
            )
        if not self.distributed or is_model_wrapper(model) or model_wrapper_cfg is not None:
            return super().wrap_model(model_wrapper_cfg, model)
        if self.strategy.shards_weights and not (self._resume and self._load_from):
            model.init_weights()  # while they are whole
        return self.strategy.wrap(model, get_device(), self.cfg)

    def save_checkpoint(
        self, out_dir: str, filename: str, save_optimizer: bool = True, iteration: int | None = None
    ) -> Path:
        """Write weights, and with the optimizer all that an exact resume needs; all processes call this.

        ``state_dict`` holds the weights to use: with a moving average those, and the trained ones are the
        ``raw_state_dict``. What is to go on with divided weights is a folder of shards without the file's suffix.
        """
        model = self.bare_model
        checkpoint: dict[str, Any] = {
            "meta": {
                "iter": self.iter if iteration is None else iteration,
                "epoch": 0,
                "seed": self.seed,
                "cfg": self.cfg.pretty_text,
                "experiment_name": self.experiment_name,
                "time": time.strftime("%Y-%m-%d %H:%M:%S"),
                "versions": checkpoints.versions(),
                "model": checkpoints.as_data(self.cfg.model),
            },
            "state_dict": dict(model.state_dict()),
        }
        if (encoder := getattr(model, "encoder", None)) is not None:
            checkpoint["meta"]["encoder"] = {"name": type(encoder).__name__, "digest": encoder.digest()}
        if save_optimizer:
            checkpoint["optimizer"] = self.optim_wrapper.state_dict()
            checkpoint["param_schedulers"] = [schedule.state_dict() for schedule in self.param_schedulers or []]
            info = {k: v for k, v in self.message_hub.runtime_info.items() if k != "cfg"}
            checkpoint["message_hub"] = {k: checkpoints.plain(v) for k, v in info.items()}
            if any(learned := [loss.state_dict() for loss in self._losses]):
                checkpoint["losses"] = learned
        self.call_hook("before_save_checkpoint", checkpoint=checkpoint)
        path = Path(out_dir) / filename
        if self.strategy.shards_weights and save_optimizer:
            path = path.with_suffix("")
            with checkpoints.disk_named(path):
                shards.save(checkpoint, path, tensors_are_there=path == self._shards)
            self._shards = path
            return path
        checkpoint = shards.whole(checkpoint)
        if is_main_process():
            checkpoints.save(checkpoint, path)
        return path

    def load_checkpoint(self, filename: str, raw: bool = False) -> dict[str, Any]:
        """Load the weights to use, or the raw ones that training goes on from."""
        checkpoint = checkpoints.load(filename, self._counterpart if self.strategy.shards_weights else None)
        self.call_hook("after_load_checkpoint", checkpoint=checkpoint)
        weights = checkpoint["raw_state_dict"] if raw and "raw_state_dict" in checkpoint else checkpoint["state_dict"]
        checkpoints.load_weights(self.bare_model, weights, filename)
        self._check_encoder(checkpoint, filename)
        self._has_loaded = True
        self.logger.info(f"loaded {filename}")
        return checkpoint

    @cached_property
    def _divided(self) -> dict[shards.Key, Tensor]:
        """Weights by their names, and by their places in the optimizer."""
        found: dict[shards.Key, Tensor] = {("state_dict", name): one for name, one in self.model.state_dict().items()}
        groups = self.optim_wrapper.optimizer.param_groups
        in_order = [weight for group in groups for weight in group["params"]]
        return found | {("optimizer", "state", place): weight for place, weight in enumerate(in_order)}

    def _counterpart(self, key: shards.Key) -> Tensor | None:
        """The weight to which a tensor of a checkpoint belongs: itself, its average, or a state of its optimizer."""
        return self._divided.get(("state_dict", key[1]) if key[0] == "raw_state_dict" else key[:3])

    def _check_encoder(self, checkpoint: dict[str, Any], filename: str) -> None:
        """Warn where the flow was trained in another space."""
        trained = checkpoint["meta"].get("encoder")
        here = getattr(self.bare_model, "encoder", None)
        if trained and here is not None and trained["digest"] != here.digest():
            self.logger.warning(
                f"{filename} was trained in the space of {trained['name']} {trained['digest']}, and this config's is "
                f"{type(here).__name__} {here.digest()}: expect wrong colors, or worse"
            )

    def resume(self, filename: str) -> None:
        """Go on exactly where a checkpoint was written."""
        checkpoint = self.load_checkpoint(filename, raw=True)
        if "optimizer" not in checkpoint:
            raise ValueError(f"{filename!r} holds weights alone and cannot be resumed: start from it with load_from")
        if checkpoint["meta"]["seed"] != self.seed:
            self.logger.warning(f"the checkpoint's seed is {checkpoint['meta']['seed']}, this run's is {self.seed}")
        self.train_loop.iter = checkpoint["meta"]["iter"]
        self.message_hub.runtime_info.update({k: v for k, v in checkpoint["message_hub"].items() if v is not None})
        self._shards = Path(filename)
        self.optim_wrapper = self.build_optim_wrapper(self.optim_wrapper)
        self.optim_wrapper.load_state_dict(checkpoint["optimizer"])
        self.param_schedulers = self.build_param_scheduler(self.param_schedulers)
        for schedule, state in zip(self.param_schedulers, checkpoint["param_schedulers"], strict=True):
            schedule.load_state_dict(state)
        for loss, state in zip(self._losses, checkpoint.get("losses", ()), strict=False):
            loss.load_state_dict(state)
        self.logger.info(f"resumed at iteration {self.iter} from {filename}")

    def test_on(self, dataset: dict[str, Any] | None = None, *, options: Mapping[str, Any] | None = None) -> Scores:
        """Run the test loop on a set of images; every rank gets the scores.

        Args:
            dataset: Its config; without, the config's own test set.
            options: Keyword arguments of the model's ``test_step``, in place of what the config says.
        """
        loader = self.cfg.test_dataloader
        self._test_dataloader = loader if dataset is None else {**loader, "dataset": dataset}
        self._test_evaluator = self.cfg.test_evaluator
        self._test_loop = {**self.cfg.test_cfg, **({"options": options} if options else {})}
        return self.test()

    def load_or_resume(self) -> None:
        """Resume from ``load_from``, or start from its weights."""
        if self._has_loaded or self._load_from is None:
            return
        if self._resume:
            self.resume(self._load_from)
        else:
            self.load_checkpoint(self._load_from)
