"""What happens beside the training loop."""

from cfmrestore.engine.hooks.checkpoint_hooks import CheckpointHook, PreemptionHook
from cfmrestore.engine.hooks.ema_hook import EMAHook
from cfmrestore.engine.hooks.image_hooks import PictureHook, SampleGridHook, SaveImagesHook

__all__ = ["CheckpointHook", "EMAHook", "PictureHook", "PreemptionHook", "SampleGridHook", "SaveImagesHook"]
