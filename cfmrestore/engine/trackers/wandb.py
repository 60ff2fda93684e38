"""Numbers and pictures of a training for Weights & Biases."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.config import Config
from mmengine.visualization import BaseVisBackend
from mmengine.visualization.vis_backend import force_init_env

from cfmrestore.registry import VISBACKENDS


@VISBACKENDS.register_module()
class WandbVisBackend(BaseVisBackend):
    """A run of Weights & Biases, along the iterations of the training.

    mmengine's counts calls instead, so that evaluations, and all of a resumed run, stand at other steps.

    Args:
        save_dir: Where its files lie.
        init_kwargs: Arguments of ``wandb.init``, such as ``dict(project="flows", name="first")``; ``id`` with
            ``resume="allow"`` goes on with a run, ``mode="offline"`` needs no network.
    """

    def __init__(self, *, save_dir: str, init_kwargs: Mapping[str, Any] | None = None) -> None:
        super().__init__(save_dir)
        self.init_kwargs = dict(init_kwargs or {})
        self._run: Any = None

    def _init_env(self) -> None:
        import wandb

        Path(self._save_dir).mkdir(parents=True, exist_ok=True)
        self._run = wandb.init(**{"dir": self._save_dir, **self.init_kwargs})
        self._run.define_metric("iteration")
        self._run.define_metric("*", step_metric="iteration")

    @property
    @force_init_env
    def experiment(self) -> Any:
        """The run, for what these methods do not do."""
        return self._run

    @force_init_env
    def add_config(self, config: Config, **kwargs: Any) -> None:
        del kwargs
        self._run.config.update(config.to_dict(), allow_val_change=True)

    @force_init_env
    def add_image(self, name: str, image: np.ndarray, step: int = 0, **kwargs: Any) -> None:
        import wandb

        del kwargs
        self._run.log({name: wandb.Image(image), "iteration": step})

    def add_scalar(self, name: str, value: Any, step: int = 0, **kwargs: Any) -> None:
        self.add_scalars({name: value}, step, **kwargs)

    @force_init_env
    def add_scalars(
        self, scalar_dict: Mapping[str, Any], step: int = 0, file_path: str | None = None, **kwargs: Any
    ) -> None:
        del file_path, kwargs
        self._run.log({name: float(value) for name, value in scalar_dict.items()} | {"iteration": step})

    def close(self) -> None:
        if self._run is not None:
            self._run.finish()
