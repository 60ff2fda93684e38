"""Where the numbers and pictures of a training go beside its folder."""

import sys
from collections.abc import Mapping
from importlib.util import find_spec

from mmengine.config import Config
from mmengine.dist import is_main_process

from cfmrestore.engine.trackers.mlflow import MLflowVisBackend
from cfmrestore.engine.trackers.wandb import WandbVisBackend
from cfmrestore.registry import nearest

__all__ = ["MLflowVisBackend", "WandbVisBackend", "add_trackers", "leave_out_trackers"]

_BACKENDS = {"tensorboard": "TensorboardVisBackend", "wandb": "WandbVisBackend", "mlflow": "MLflowVisBackend"}


def add_trackers(cfg: Config) -> None:
    """Turn ``trackers`` of a config, which are words or a backend with keys of its own, into its visualizer's backends.

    Without TensorBoard's package its files are not written, which is said: every run asks for them, and the same
    numbers stand in ``scalars.json``. Other packages that are missing are an error.
    """
    visualizer = cfg.get("visualizer") or {"type": "Visualizer"}
    backends = [backend for backend in visualizer.get("vis_backends") or [] if _is_there(backend["type"])]
    there = {backend["type"] for backend in backends}
    for tracker in cfg.get("trackers") or []:
        if not isinstance(tracker, Mapping) and tracker not in _BACKENDS:
            raise ValueError(f"trackers: there is no {tracker!r}; {nearest(str(tracker), _BACKENDS)}")
        backend = dict(tracker) if isinstance(tracker, Mapping) else {"type": _BACKENDS[tracker]}
        if backend["type"] not in there and _is_there(backend["type"]):
            backends.append(backend)
    cfg.visualizer = {**visualizer, "vis_backends": backends}


def leave_out_trackers(cfg: Config) -> None:
    """A test is none of the runs that they follow."""
    if backends := (cfg.get("visualizer") or {}).get("vis_backends"):
        cfg.visualizer.vis_backends = [one for one in backends if one["type"] not in _BACKENDS.values()]


def _is_there(backend: str) -> bool:
    """Whether the package of a backend is installed; one that somebody asked for must be."""
    package = next((name for name, kind in _BACKENDS.items() if kind == backend), None)
    if package is None or ((spec := find_spec(package)) and spec.origin):  # none: a folder "wandb" of results
        return True
    mend = f"pip install 'cfmrestore[{package}]'"
    if package != "tensorboard":
        raise ValueError(f"trackers: {package} is not installed: {mend}")
    if is_main_process():
        print(f"no files for TensorBoard are written: {mend}", file=sys.stderr)
    return False
