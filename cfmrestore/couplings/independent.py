"""Independent coupling: from noise to data, whatever the input."""

import torch

from cfmrestore.couplings.base import Coupling
from cfmrestore.couplings.source import draw_source
from cfmrestore.execution import Execution
from cfmrestore.ops.rng import ImageRng
from cfmrestore.registry import COUPLINGS
from cfmrestore.typing import Image, Latent, Source


@COUPLINGS.register_module()
class Independent(Coupling):
    r"""Plain flow matching, :math:`x_0 \sim N(0, I)`: with an input for restoration, without one for generation.

    Reference: Lipman et al., 2023 (arXiv:2210.02747); FMBoost's ``start_from_noise``; LFM.
    """

    needs_input = False
    law_needs = frozenset()

    def start(self, low: Image, rng: ImageRng, execution: Execution) -> Source:
        return self.source(low, rng, execution)

    def source(self, low: Image, rng: ImageRng, execution: Execution) -> Source:
        return self._from_noise(self.lifted(low, rng, execution), rng)

    def start_from_lifted(self, lowres: Latent, rng: ImageRng, execution: Execution) -> Source:
        del execution  # no network is evaluated
        return self._from_noise(lowres, rng)

    def source_from_latent(self, latent: Latent, rng: ImageRng, execution: Execution) -> Source:
        return self._from_noise(self.lifted_latent(latent, rng, execution), rng)

    def source_without_input(self, like: Latent, rng: ImageRng) -> Source:
        return draw_source(torch.zeros_like(like), torch.ones_like(like), rng)

    def _from_noise(self, c: Latent, rng: ImageRng) -> Source:
        zero = torch.zeros((), dtype=c.dtype, device=c.device)
        return draw_source(zero.expand_as(c), (zero + 1).expand_as(c), rng, lowres=c)
