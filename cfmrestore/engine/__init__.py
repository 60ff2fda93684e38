"""All that knows mmengine's runner and process groups."""

from cfmrestore.engine.amp_optim_wrapper import AmpOptimWrapper
from cfmrestore.engine.loops import IterBasedTrainLoop
from cfmrestore.engine.runner import RestorationRunner

__all__ = ["AmpOptimWrapper", "IterBasedTrainLoop", "RestorationRunner"]
