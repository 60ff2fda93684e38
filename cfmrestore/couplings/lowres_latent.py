"""The coupling of CFM: a path from the noised latent of the low-quality image to that of the high-quality one."""

from collections.abc import Sequence

import torch
from torch import Tensor

from cfmrestore.couplings.base import Coupling
from cfmrestore.couplings.source import draw_source
from cfmrestore.couplings.upsampling import corners
from cfmrestore.encoders.base import Encoder
from cfmrestore.execution import Execution
from cfmrestore.ops.broadcast import expand_as
from cfmrestore.ops.diffusion_schedule import STEPS, alpha_bar
from cfmrestore.ops.rng import ImageRng
from cfmrestore.registry import COUPLINGS
from cfmrestore.typing import Image, Latent, Source


@COUPLINGS.register_module()
class LowresLatent(Coupling):
    r"""Coupled flow matching with variance-preserving noise.

    .. math:: c = E(\mathrm{Up}(x_{\mathrm{low}})), \qquad
        x_0 = \sqrt{\bar\alpha}\, c + \sqrt{1 - \bar\alpha}\, \epsilon

    Given c, :math:`x_0` is normal with that mean and standard deviation, which is what stochastic solvers are told; of
    a network that is not told c, or not a noise level that differs between images (condition ``LowRes``), they are
    refused.

    Reference: Schusterbauer et al., 2024, section 3.2 (arXiv:2312.07360).

    Args:
        encoder: The space in which the flow runs.
        scale: Pixels of the target a pixel of the input.
        upsample: As for every coupling, or "noise_filled": each latent sample of the input stands at the top left of
            its block and the others are standard normal noise; the context is then "nearest".
        noise: Diffusion step of 1000 that sets the noise; a pair of steps draws one for each training image; None
            starts from c itself.
        table: "cosine" or "linear".
        restore_noise: Step at test time where ``noise`` is a pair; its middle if not given.
    """

    def __init__(
        self,
        *,
        encoder: Encoder,
        scale: int = 1,
        upsample: str = "pixel",
        noise: int | Sequence[int] | None = 400,
        table: str = "cosine",
        restore_noise: int | None = None,
    ) -> None:
        filled = upsample == "noise_filled"
        super().__init__(encoder=encoder, scale=scale, upsample="nearest" if filled else upsample)
        self.filled = filled
        self.table = alpha_bar(table)
        self.range = _noise_range(noise)
        if restore_noise is not None and not (self.range and self.range[0] <= restore_noise <= self.range[1]):
            raise ValueError(f"restore_noise must be a step within the range of noise, {noise}; got {restore_noise}")
        self.restore_noise = restore_noise
        one_level = self.range is None or self.range[0] == self.range[1]
        self.law_needs = frozenset({"lowres"} if one_level else {"lowres", "noise_level"})

    @property
    def restore_share(self) -> float:
        r""":math:`\bar\alpha` of a restoration's start: the part of its variance that is not noise."""
        return 1.0 if self.range is None else float(self.table[self._restore_step()])

    def source(self, low: Image, rng: ImageRng, execution: Execution) -> Source:
        return self._noised(self.lifted(low, rng, execution), rng, self._test_step(rng), execution)

    def source_from_latent(self, latent: Tensor, rng: ImageRng, execution: Execution) -> Source:
        return self._noised(self.lifted_latent(latent, rng, execution), rng, self._test_step(rng), execution)

    def start(self, low: Image, rng: ImageRng, execution: Execution) -> Source:
        return self.start_from_lifted(self.lifted(low, rng, execution), rng, execution)

    def start_from_lifted(self, lowres: Latent, rng: ImageRng, execution: Execution) -> Source:
        step = None if self.range is None else rng.fork("level").integers(*self.range)
        return self._noised(lowres, rng, step, execution)

    def _test_step(self, rng: ImageRng) -> Tensor | None:
        return None if self.range is None else torch.full((len(rng),), self._restore_step())

    def _restore_step(self) -> int:
        assert self.range is not None
        return self.restore_noise if self.restore_noise is not None else sum(self.range) // 2

    def _noised(self, c: Latent, rng: ImageRng, step: Tensor | None, execution: Execution) -> Source:
        """The start at a clean latent with the noise of a diffusion step, one an image."""
        del execution  # no network is evaluated
        share = torch.ones(len(rng), dtype=torch.float64) if step is None else self.table[step]
        mean = expand_as(share.sqrt(), c).to(c, non_blocking=True) * c
        std = expand_as((1 - share).sqrt(), c).to(c, non_blocking=True).expand_as(c)
        if self.filled:
            known = corners(c, self.scale)
            mean, std = known * mean, known * std + (1 - known)
        return draw_source(mean, std, rng, lowres=c, noise_level=(1 - share).sqrt().to(c, non_blocking=True))


def _noise_range(noise: int | Sequence[int] | None) -> tuple[int, int] | None:
    if noise is None:
        return None
    low, high = (noise, noise) if isinstance(noise, int) else noise
    if not 0 <= low <= high < STEPS:
        raise ValueError(f"noise is a diffusion step, or a rising pair, in [0, {STEPS - 1}]; got {noise}")
    return low, high
