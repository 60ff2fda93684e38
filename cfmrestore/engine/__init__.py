"""Engine: runner, loops, hooks, checkpoints, configs, process groups; what knows mmengine."""

from cfmrestore._compat import defer_transformers, format_configs_once, train_without_mps

defer_transformers()
format_configs_once()
train_without_mps()

from cfmrestore.engine.amp_optim_wrapper import AmpOptimWrapper  # noqa: E402
from cfmrestore.engine.loops import IterBasedTrainLoop  # noqa: E402
from cfmrestore.engine.runner import RestorationRunner  # noqa: E402

__all__ = ["AmpOptimWrapper", "IterBasedTrainLoop", "RestorationRunner"]
