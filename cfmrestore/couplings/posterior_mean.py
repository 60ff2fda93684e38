"""A start at the mean of what the input may come from, which a regression network gives."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from cfmrestore.couplings.lowres_latent import LowresLatent
from cfmrestore.encoders.base import Encoder
from cfmrestore.ops.rng import ImageRng
from cfmrestore.ops.weights import check_weights, find_file, read_weights
from cfmrestore.registry import COUPLINGS, NETWORKS
from cfmrestore.typing import Condition, ConditionalVelocity, Latent, Source

_PREFIX = "network."  # of the network in a flow's checkpoint


@COUPLINGS.register_module()
class PosteriorMean(LowresLatent):
    r"""The coupling of posterior-mean rectified flow: from the regression's answer to the data.

    .. math:: \bar x = c + r(c), \qquad
        x_0 = \sqrt{\bar\alpha}\, \bar x + \sqrt{1 - \bar\alpha}\, \epsilon, \qquad
        r = \arg\min E \| c + r(c) - x_1 \|^2

    With :math:`r` the minimum, :math:`\bar x = E[x_1 | c]`. The optimal transport of it to the data has the smallest
    squared error of all estimators that are distributed as the data. The network is told :math:`\bar x`, not c. The
    regression is a flow of ``LowresLatent(noise=None)`` trained at t = 0 alone, whose velocity there is r; its weights
    go into the checkpoint of this flow, and it costs one evaluation.

    Reference: Ohayon et al., 2024, section 3 (arXiv:2410.00418).

    Args:
        encoder: The space in which the flow runs.
        network: The regression's network.
        weights: A safetensors file of the regression's training; read when a training begins.
        others: As for ``LowresLatent``.
    """

    evaluations = 1

    def __init__(
        self, *, encoder: Encoder, network: dict[str, Any], weights: str | Path | None = None, **others: Any
    ) -> None:
        super().__init__(encoder=encoder, **others)
        if self.filled:
            raise ValueError("a posterior mean has no samples to fill with noise: take another upsample")
        channels = {"channels": encoder.channels, "context_channels": encoder.channels, "noise_level": False}
        self.network: nn.Module = NETWORKS.build(network, default_args=channels).requires_grad_(False)
        self.weights = weights
        self._ask: ConditionalVelocity = self._evaluate

    def begin_training(self) -> None:
        if self.weights is None:
            raise ValueError("the coupling PosteriorMean needs the regression's weights: weights=FILE.safetensors")
        file = find_file(self.weights, "model.safetensors", purpose="the coupling PosteriorMean")
        held = read_weights(file)
        weights = {key.removeprefix(_PREFIX): value for key, value in held.items() if key.startswith(_PREFIX)}
        check_weights(weights, self.network.state_dict(), file)
        self.network.load_state_dict(weights)

    def within(
        self, encoder: Encoder, asked: Callable[[ConditionalVelocity], ConditionalVelocity] | None = None
    ) -> "PosteriorMean":
        other = super().within(encoder)
        assert isinstance(other, PosteriorMean)
        if asked is not None:
            other._ask = asked(self._ask)
        return other

    @torch.no_grad()
    def _noised(self, c: Latent, rng: ImageRng, step: Tensor | None) -> Source:
        mean = c + self._ask(c, torch.zeros((), dtype=c.dtype, device=c.device), {"context": c})
        return super()._noised(mean, rng, step)

    def _evaluate(self, x: Latent, t: Tensor, condition: Condition) -> Latent:
        r: Tensor = self.network.eval()(x, t.expand(len(x)), **condition)
        return r.float()
