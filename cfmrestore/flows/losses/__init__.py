"""Loss functions."""

from cfmrestore.flows.losses.adversarial import Adversarial
from cfmrestore.flows.losses.base import Loss, Prediction
from cfmrestore.flows.losses.consistency import Consistency
from cfmrestore.flows.losses.drifting import Drifting
from cfmrestore.flows.losses.flow_map import FlowMapLoss
from cfmrestore.flows.losses.generated import GeneratedLoss
from cfmrestore.flows.losses.huber import Huber
from cfmrestore.flows.losses.imitation import Imitation
from cfmrestore.flows.losses.lattice import Lattice
from cfmrestore.flows.losses.mean_flow import MeanFlow
from cfmrestore.flows.losses.mmd import MMD
from cfmrestore.flows.losses.mse import MSE
from cfmrestore.flows.losses.perceptual import Perceptual
from cfmrestore.flows.losses.pixel_mse import PixelMSE
from cfmrestore.flows.losses.rcgm import RCGM
from cfmrestore.flows.losses.shortcut import Shortcut
from cfmrestore.flows.losses.target_mse import TargetMSE
from cfmrestore.flows.losses.trajectory import Trajectory

__all__ = [
    "MMD",
    "MSE",
    "RCGM",
    "Adversarial",
    "Consistency",
    "Drifting",
    "FlowMapLoss",
    "GeneratedLoss",
    "Huber",
    "Imitation",
    "Lattice",
    "Loss",
    "MeanFlow",
    "Perceptual",
    "PixelMSE",
    "Prediction",
    "Shortcut",
    "TargetMSE",
    "Trajectory",
]
