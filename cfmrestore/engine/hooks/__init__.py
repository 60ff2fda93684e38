"""What happens beside the training loop."""

from cfmrestore._compat import defer_transformers

defer_transformers()

from cfmrestore.engine.hooks.checkpoint_hook import CheckpointHook  # noqa: E402
from cfmrestore.engine.hooks.early_stopping_hook import EarlyStoppingHook  # noqa: E402
from cfmrestore.engine.hooks.ema_hook import EMAHook  # noqa: E402
from cfmrestore.engine.hooks.picture_hook import PictureHook  # noqa: E402
from cfmrestore.engine.hooks.preemption_hook import PreemptionHook  # noqa: E402
from cfmrestore.engine.hooks.runtime_info_hook import RuntimeInfoHook  # noqa: E402
from cfmrestore.engine.hooks.sample_grid_hook import SampleGridHook  # noqa: E402
from cfmrestore.engine.hooks.save_images_hook import SaveImagesHook  # noqa: E402

__all__ = [
    "CheckpointHook", "EMAHook", "EarlyStoppingHook", "PictureHook", "PreemptionHook", "RuntimeInfoHook",
    "SampleGridHook", "SaveImagesHook",
]  # fmt: skip
