"""The coupling of CFM: a path from the noised latent of the low-quality image to that of the high-quality one."""

from collections.abc import Sequence

import torch
from torch import Tensor

from cfmrestore.couplings.base import Coupling
from cfmrestore.couplings.lift import corners
from cfmrestore.couplings.noise_schedule import STEPS, alpha_bar
from cfmrestore.encoders.base import Encoder
from cfmrestore.ops.broadcast import expand_as
from cfmrestore.ops.rng import ImageRng
from cfmrestore.registry import COUPLINGS
from cfmrestore.typing import Condition, Image, Latent, Source


@COUPLINGS.register_module()
class LowresLatent(Coupling):
    r"""Coupled flow matching with variance-preserving noise.

    .. math:: c = E(\mathrm{Up}(x_{\mathrm{low}})), \qquad
        x_0 = \sqrt{\bar\alpha}\, c + \sqrt{1 - \bar\alpha}\, \epsilon

    The network sees the clean c as context at every time. Given c, :math:`x_0` is normal with that mean and standard
    deviation, which is what stochastic solvers are told; without the context, or with a noise level that the network is
    not told, they are refused.

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
        context: Tell the network c.
        condition_on_noise: Tell the network the standard deviation of the noise.
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
        context: bool = True,
        condition_on_noise: bool = False,
    ) -> None:
        self.filled = upsample == "noise_filled"
        super().__init__(encoder=encoder, scale=scale, upsample="nearest" if self.filled else upsample)
        self.table = alpha_bar(table)
        self.range = _noise_range(noise)
        if restore_noise is not None and not 0 <= restore_noise < STEPS:
            raise ValueError(f"restore_noise must lie in [0, {STEPS - 1}]; got {restore_noise}")
        self.restore_noise = restore_noise
        self.context, self.conditions_on_noise = context, condition_on_noise

    @property
    def context_channels(self) -> int:
        return self.encoder.channels if self.context else 0

    @property
    def has_known_score(self) -> bool:
        one_level = self.range is None or self.range[0] == self.range[1]
        return self.context and (one_level or self.conditions_on_noise)

    def source(self, low: Image, rng: ImageRng) -> Source:
        return self._noised(self.lifted(low, rng), rng, self._restore_step(rng))

    def source_of_latent(self, latent: Tensor, rng: ImageRng) -> Source:
        return self._noised(self.lifted_latent(latent, rng), rng, self._restore_step(rng))

    def _restore_step(self, rng: ImageRng) -> Tensor | None:
        if self.range is None:
            return None
        step = self.restore_noise if self.restore_noise is not None else sum(self.range) // 2
        return torch.full((len(rng),), step)

    def start(self, low: Image, rng: ImageRng) -> Source:
        step = None if self.range is None else rng.fork("level").integers(*self.range)
        return self._noised(self.lifted(low, rng), rng, step)

    def _noised(self, c: Latent, rng: ImageRng, step: Tensor | None) -> Source:
        share = torch.ones(len(rng), dtype=torch.float64) if step is None else self.table[step]
        mean = expand_as(share.sqrt(), c).to(c) * c
        std = expand_as((1 - share).sqrt(), c).to(c).expand_as(c)
        if self.filled:
            known = corners(c, self.scale)
            mean, std = known * mean, known * std + (1 - known)
        noise = rng.fork("source").normal(*c.shape[1:]).to(c)
        x_0 = noise.mul_(std).add_(mean)  # in place: a large image has no room for more
        condition: Condition = {"context": c} if self.context else {}
        if self.conditions_on_noise:
            condition["noise_level"] = (1 - share).sqrt().to(c)
        return Source(x_0, condition, mean, std)


def _noise_range(noise: int | Sequence[int] | None) -> tuple[int, int] | None:
    if noise is None:
        return None
    low, high = (noise, noise) if isinstance(noise, int) else noise
    if not 0 <= low <= high < STEPS:
        raise ValueError(f"noise is a diffusion step, or a rising pair, in [0, {STEPS - 1}]; got {noise}")
    return low, high
