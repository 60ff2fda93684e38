"""What happens beside the training loop."""

from cfmrestore.engine.hooks.checkpoint_hook import CheckpointHook
from cfmrestore.engine.hooks.ema_hook import EMAHook
from cfmrestore.engine.hooks.keep_hook import KeepHook
from cfmrestore.engine.hooks.picture_hook import PictureHook
from cfmrestore.engine.hooks.sample_grid_hook import SampleGridHook
from cfmrestore.engine.hooks.signal_hook import SignalHook

__all__ = ["CheckpointHook", "EMAHook", "KeepHook", "PictureHook", "SampleGridHook", "SignalHook"]
