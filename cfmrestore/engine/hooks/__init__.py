"""What happens beside the training loop."""

from cfmrestore.engine.hooks.checkpoint_hook import CheckpointHook
from cfmrestore.engine.hooks.ema_hook import EMAHook
from cfmrestore.engine.hooks.image_hooks import PictureHook, SampleGridHook, SaveImagesHook
from cfmrestore.engine.hooks.preemption_hook import PreemptionHook

__all__ = ["CheckpointHook", "EMAHook", "PictureHook", "PreemptionHook", "SampleGridHook", "SaveImagesHook"]
