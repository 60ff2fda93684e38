"""What the tools import sooner or later: tests run them in forks of a process that has imported this."""

from cfmrestore._compat import patch_torchvision

patch_torchvision()

import albumentations  # noqa: E402, F401
import matplotlib.pyplot  # noqa: E402, F401
import torch.utils.tensorboard  # noqa: E402, F401

import cfmrestore.analysis.sweep  # noqa: E402
import cfmrestore.apis.degrade  # noqa: E402
import cfmrestore.apis.restore  # noqa: E402, F401
