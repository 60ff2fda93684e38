"""No coupling: from noise to data, with the low-quality image as condition."""

import torch
from torch import Tensor

from cfmrestore.couplings.base import Coupling
from cfmrestore.ops.rng import ImageRng
from cfmrestore.registry import COUPLINGS
from cfmrestore.typing import Image, Latent, Source


@COUPLINGS.register_module()
class Independent(Coupling):
    r"""Plain conditional flow matching: :math:`x_0 \sim N(0, I)`, context :math:`c = E(\mathrm{Up}(x_{\mathrm{low}}))`.

    Reference: Lipman et al., 2023 (arXiv:2210.02747); FMBoost's ``start_from_noise``.
    """

    def start(self, low: Image, rng: ImageRng) -> Source:
        return self.source(low, rng)

    def source(self, low: Image, rng: ImageRng) -> Source:
        return self._from_noise(self.lifted(low, rng), rng)

    def source_of_latent(self, latent: Tensor, rng: ImageRng) -> Source:
        return self._from_noise(self.lifted_latent(latent, rng), rng)

    def _from_noise(self, c: Latent, rng: ImageRng) -> Source:
        x_0 = rng.fork("source").normal(*c.shape[1:]).to(c)
        zero = torch.zeros((), dtype=c.dtype, device=c.device)
        return Source(x_0, {"context": c}, zero.expand_as(c), (zero + 1).expand_as(c))
