"""Numbers and pictures of a training for MLflow."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from mmengine.config import Config
from mmengine.visualization import BaseVisBackend
from mmengine.visualization.vis_backend import force_init_env

from cfmrestore.registry import VISBACKENDS

_AT_ONCE, _LENGTH = 100, 500  # parameters of one call, and letters of a value: what every MLflow server takes


@VISBACKENDS.register_module()
class MLflowVisBackend(BaseVisBackend):
    """A run of MLflow; with the keys of mmengine's, which refuses names such as "PSNR (bicubic)" and our pictures.

    Args:
        save_dir: Not used; without a server MLflow has a place of its own, ``mlflow.db`` in the current folder.
        exp_name: The experiment.
        run_name: The run.
        tags: Of the run.
        tracking_uri: The server, such as "http://localhost:5000"; by default what ``MLFLOW_TRACKING_URI`` says.
    """

    def __init__(
        self,
        *,
        save_dir: str,
        exp_name: str = "cfmrestore",
        run_name: str | None = None,
        tags: Mapping[str, str] | None = None,
        tracking_uri: str | None = None,
    ) -> None:
        super().__init__(save_dir)
        self.exp_name, self.run_name, self.tags, self.tracking_uri = exp_name, run_name, tags, tracking_uri
        self._mlflow: Any = None

    def _init_env(self) -> None:
        import mlflow

        if self.tracking_uri:
            mlflow.set_tracking_uri(self.tracking_uri)
        mlflow.set_experiment(self.exp_name)
        mlflow.start_run(run_name=self.run_name, tags=dict(self.tags or {}))
        self._mlflow = mlflow

    @property
    @force_init_env
    def experiment(self) -> Any:
        """The package with its active run, for what these methods do not do."""
        return self._mlflow

    @force_init_env
    def add_config(self, config: Config, **kwargs: Any) -> None:
        del kwargs
        leaves = [(key, str(value)[:_LENGTH]) for key, value in _leaves(config.to_dict())]
        for begin in range(0, len(leaves), _AT_ONCE):
            self._mlflow.log_params(dict(leaves[begin : begin + _AT_ONCE]))
        self._mlflow.log_text(config.pretty_text, "config.py")

    @force_init_env
    def add_image(self, name: str, image: np.ndarray, step: int = 0, **kwargs: Any) -> None:
        del kwargs
        self._mlflow.log_image(image, f"{name}/{step:07d}.png")

    def add_scalar(self, name: str, value: Any, step: int = 0, **kwargs: Any) -> None:
        self.add_scalars({name: value}, step, **kwargs)

    @force_init_env
    def add_scalars(
        self, scalar_dict: Mapping[str, Any], step: int = 0, file_path: str | None = None, **kwargs: Any
    ) -> None:
        del file_path, kwargs
        self._mlflow.log_metrics({_allowed(name): float(value) for name, value in scalar_dict.items()}, step=step)

    def close(self) -> None:
        if self._mlflow is not None:
            self._mlflow.end_run()


def _allowed(name: str) -> str:
    """A name of the letters that MLflow allows: "FD (DigitClassifier)" is "FD/DigitClassifier"."""
    return re.sub(r"[^\w\-. :/]", "_", re.sub(r"\s*\(([^)]*)\)", r"/\1", name))


def _leaves(value: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    """Values of a nested config by dotted keys."""
    items = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list | tuple) else ()
    for name, one in items:
        yield from _leaves(one, f"{key}.{name}" if key else str(name))
    if not items:
        yield key, value
