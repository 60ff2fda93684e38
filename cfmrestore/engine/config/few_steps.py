"""From the config of a trained flow to that of its few-step sibling."""

import copy
import inspect
from pathlib import Path
from typing import Any

from mmengine.config import Config

from cfmrestore.registry import CONDITIONS, DATASETS, find_class

LOSSES = {"shortcut": "Shortcut", "rcgm": "RCGM", "mean_flow": "MeanFlow", "trajectory": "Trajectory"}
"""Losses of flow maps, by the names that the command gives them."""

_BY_DIFFERENCES = ("RCGM", "MeanFlow")  # which mixed precision is too coarse for
_RATE = 3e-4  # of the optimizer, at most
_WARM_UP = 50
_WAY = 16  # intervals of a teacher's way, at least


def few_step_config(
    cfg: Config, weights: Path, *, evaluations: int, loss: str, iterations: int, data: str | None = None
) -> Config:
    """A flow map that learns from the flow, which it begins as, and that samples by so many evaluations.

    Args:
        cfg: The config of the flow.
        weights: The safetensors file of the flow.
        evaluations: K, of the network, an image.
        loss: A name of ``LOSSES``.
        iterations: Optimizer steps.
        data: Folder of the training images, in place of the config's.
    """
    if evaluations < 1 or iterations < 1:
        raise ValueError(f"evaluations and iterations are 1 or more; got {evaluations} and {iterations}")
    if loss not in LOSSES:
        raise ValueError(f"loss is one of {', '.join(LOSSES)}; got {loss!r}")
    new = copy.deepcopy(cfg)
    _change_model(new.model, weights, evaluations, loss)
    new.load_from, new.resume = str(weights), False
    _change_schedule(new, iterations)
    if LOSSES[loss] in _BY_DIFFERENCES:
        kept = ("optimizer", "clip_grad", "accumulative_counts", "constructor", "paramwise_cfg")
        wrapper = {key: value for key, value in new.optim_wrapper.items() if key in kept}
        new.optim_wrapper = {"type": "OptimWrapper", **wrapper}
    if data is not None:
        _change_data(new, data)
    _check_data(new)
    return new


def _change_model(model: Any, weights: Path, evaluations: int, loss: str) -> None:
    network = model.network
    while isinstance(network.get("network"), dict):  # of a wrapper
        network = network.network
    network.flow_map = True  # what is one already teaches by its velocity
    if "dropout" in network:
        network.dropout = 0.0
    sampling = model.setdefault("sampling", {})
    guidance = {key: sampling.pop(key) for key in ("guidance", "guidance_interval") if key in sampling}
    if isinstance(guidance.get("guidance"), int | float):  # of the conditions that can be dropped, as sampling has it
        guidance["guidance"] = dict.fromkeys(_droppable(model), guidance["guidance"])
    for condition in model.get("conditions") or []:
        condition.dropout = 0.0
    model.teacher = {"weights": str(weights), **guidance}
    extra: dict[str, Any] = {}
    if loss == "mean_flow" and network.get("checkpointing"):
        extra["derivative"] = "difference"  # what is recomputed has no forward-mode derivative
    if loss == "trajectory":
        extra["num_intervals"] = evaluations * -(-_WAY // evaluations)  # so that the sampler's times are among them
    else:
        extra["intervals"] = sorted({1, 2, 4, evaluations})
    model.loss = [{"type": "MSE"}, {"type": LOSSES[loss], **extra}]
    sampling.solver, sampling.grid = {"type": "FlowMapEuler"}, {"type": "UniformGrid"}
    sampling.num_intervals = evaluations
    sampling.pop("noise_contrast_limit", None)  # which costs an evaluation more
    if sampling.get("fidelity") == 1:  # which asks for no sample
        sampling.fidelity = 0.0


def _droppable(model: Any) -> list[str]:
    """Names of the conditions that the flow drops in training, by their own defaults too."""
    names = []
    for condition in model.get("conditions") or []:
        own = inspect.signature(find_class(condition, CONDITIONS)).parameters.get("dropout")
        if condition.get("dropout", 0 if own is None else own.default) > 0:
            names.append(condition["type"])
    return names


def _change_schedule(cfg: Config, iterations: int) -> None:
    optimizer = cfg.optim_wrapper.optimizer
    optimizer.lr = min(optimizer.get("lr", _RATE), _RATE)
    warm_up = min(_WARM_UP, max(iterations // 10, 1))
    cfg.param_scheduler = [
        {"type": "LinearLR", "start_factor": 0.01, "by_epoch": False, "begin": 0, "end": warm_up},
        {
            "type": "CosineAnnealingLR", "by_epoch": False, "begin": warm_up, "end": max(iterations, warm_up + 1),
            "eta_min": optimizer.lr / 100,
        },
    ]  # fmt: skip
    cfg.train_cfg = {"by_epoch": False, "max_iters": iterations}
    if cfg.get("val_cfg") is not None:
        cfg.train_cfg.val_interval = iterations
    cfg.auto_scale_lr = None
    checkpoint = cfg.setdefault("default_hooks", {}).setdefault("checkpoint", {"type": "CheckpointHook"})
    for key in ("save_best", "rule"):  # by a metric of restorations that were close to the mean, perhaps
        checkpoint.pop(key, None)


def _change_data(cfg: Config, data: str) -> None:
    """The folder of the training images, and of the others where theirs is not there: every fourth is held out then."""
    dataset = cfg.train_dataloader.dataset
    if "data_root" not in dataset:
        raise ValueError(f"the model was trained on {dataset.type}, which takes no folder: leave --data out")
    dataset.data_root = data
    if "data_root" in cfg:  # which nothing reads any more, but who reads the file
        cfg.data_root = data
    for stage in ("val", "test"):
        loader = cfg.get(f"{stage}_dataloader")
        root = None if loader is None else loader.dataset.get("data_root")
        if root is not None and not Path(root).is_dir():
            loader.dataset.data_root = data
            if "val_root" in cfg:
                cfg.val_root = data
            if dataset.type == loader.dataset.type == "ImageFolder":
                dataset.split, loader.dataset.split = "train", "held_out"


def _check_data(cfg: Config) -> None:
    """Training needs its data; what there is no data for is not evaluated."""
    try:
        DATASETS.build(cfg.train_dataloader.dataset.to_dict())
    except ValueError as error:
        raise ValueError(f"the data of the training is not there ({error}): give its folder, --data FOLDER") from error
    for stage in ("val", "test"):
        if cfg.get(f"{stage}_dataloader") is None:
            continue
        try:
            DATASETS.build(cfg[f"{stage}_dataloader"].dataset.to_dict())
        except ValueError as error:
            print(f"not evaluated on the config's {stage} set: {error}")
            cfg[f"{stage}_cfg"] = cfg[f"{stage}_dataloader"] = cfg[f"{stage}_evaluator"] = None
