"""What happens beside the training loop."""

from cfmrestore.engine.hooks.checkpoint_hook import CheckpointHook
from cfmrestore.engine.hooks.early_stopping_hook import EarlyStoppingHook
from cfmrestore.engine.hooks.ema_hook import EMAHook
from cfmrestore.engine.hooks.picture_hook import PictureHook
from cfmrestore.engine.hooks.preemption_hook import PreemptionHook
from cfmrestore.engine.hooks.runtime_info_hook import RuntimeInfoHook
from cfmrestore.engine.hooks.sample_grid_hook import SampleGridHook
from cfmrestore.engine.hooks.save_images_hook import SaveImagesHook

__all__ = [
    "CheckpointHook", "EMAHook", "EarlyStoppingHook", "PictureHook", "PreemptionHook", "RuntimeInfoHook",
    "SampleGridHook", "SaveImagesHook",
]  # fmt: skip
