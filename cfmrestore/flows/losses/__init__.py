"""Loss functions."""

from cfmrestore.flows.losses.base import Loss, Prediction
from cfmrestore.flows.losses.huber import Huber
from cfmrestore.flows.losses.mse import MSE
from cfmrestore.flows.losses.perceptual import Perceptual

__all__ = ["MSE", "Huber", "Loss", "Perceptual", "Prediction"]
