"""Contract of models and of what mmengine calls: their base classes; the rest is seen when they run."""

from mmengine.hooks import Hook
from mmengine.model import BaseDataPreprocessor, BaseModel
from mmengine.optim import OptimWrapper
from mmengine.runner import BaseLoop, Runner
from mmengine.visualization import BaseVisBackend
from torch.utils.data import Sampler

from cfmrestore import registry
from cfmrestore.contracts.base import Contract
from cfmrestore.flows.trained_model import Preprocessor, TrainedModel

SHELLS = tuple(
    Contract(
        kind, base, build=lambda cls, keys: cls,
        unchecked="all that it does: it works in a training alone, and none is started here; train a small one",
    )
    for kind, base in (
        (registry.MODELS, (TrainedModel, Preprocessor, BaseModel, BaseDataPreprocessor)),
        (registry.RUNNERS, Runner),
        (registry.LOOPS, BaseLoop),
        (registry.HOOKS, Hook),
        (registry.OPTIM_WRAPPERS, OptimWrapper),
        (registry.DATA_SAMPLERS, Sampler),
        (registry.VISBACKENDS, BaseVisBackend),
    )
)  # fmt: skip
