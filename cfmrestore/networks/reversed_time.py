"""A network that counts time from the data to the source."""

from torch import Tensor

from cfmrestore.networks.wrapper import NetworkWrapper
from cfmrestore.registry import NETWORKS
from cfmrestore.typing import Latent, PerImage


@NETWORKS.register_module()
class ReversedTime(NetworkWrapper):
    r"""Flows whose time runs from the data at 0 to the noise at 1, as LFM's.

    .. math:: v(x, t) = -u(x, 1 - t), \qquad u(x_s, s) = \frac{d x_s}{d s}

    LFM's :math:`x_s = (1 - s)\, x_1 + \left(\sigma_{\min} + (1 - \sigma_{\min})\, s\right) x_0` is at s = 1 - t the
    path ``Linear`` with its :math:`\sigma_{\min} = 10^{-5}`.

    Reference: Dao et al., 2023, section 3 (arXiv:2307.08698).

    Args:
        network: u(x, s), or its config.
        channels: Channels of x and of the velocity.
        context_channels: Channels of the context.
        embedding_channels: Channels of the embedding.
        noise_level: Whether the noise level of the source is told.
    """

    def forward(self, x: Latent, t: PerImage, **conditioning: Tensor) -> Latent:
        velocity: Tensor = self.network(x, 1 - t, **conditioning)
        return -velocity
