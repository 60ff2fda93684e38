"""One restoration: encode, walk, decode; whole or by tiles."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from cfmrestore.couplings.base import Coupling
from cfmrestore.encoders.tiled import TiledEncoder
from cfmrestore.flows.sampling import Restoration, Sampling
from cfmrestore.guidance import DataConsistency, Tiled
from cfmrestore.ops.back_projection import back_project
from cfmrestore.ops.pad import crop_to, pad_to_multiple
from cfmrestore.ops.resize import resize
from cfmrestore.ops.rng import ImageRng
from cfmrestore.ops.tiles import Tiling
from cfmrestore.paths.base import Path, PathDiffusion
from cfmrestore.typing import Condition, ConditionalVelocity, Image, Latent, Source, Velocity


@dataclass(frozen=True)
class Restoring:
    """What a restoration needs of a flow.

    Args:
        ask: v(x, t, condition).
        coupling: Where to start.
        path: The curve that was trained.
        sampling: How to walk.
        device: Where network and encoder are.
        tiling: Tiles, in latent samples; the images, and all that is as large, then stay where the input is.
        on_tile: Called after each evaluation of a tile, or of the whole.
        cast: Around every network that is asked: in reduced precision, say.
    """

    ask: ConditionalVelocity
    coupling: Coupling
    path: Path
    sampling: Sampling
    device: torch.device
    tiling: Tiling | None = None
    on_tile: Callable[[], None] | None = None
    cast: Callable[[ConditionalVelocity], ConditionalVelocity] = lambda ask: ask

    def of_image(self, low: Image, seeds: Tensor) -> Restoration:
        """Restore images of any size."""
        rng = self.sampling.fork(ImageRng(seeds))
        coupling = self._coupling()
        padded = pad_to_multiple(low, coupling.low_multiple)
        return self._finish(coupling, coupling.source(padded, rng), rng, low, padded)

    def begin(self, low: Image, seeds: Tensor) -> tuple[Latent, Velocity]:
        """Where the walk of an image begins, and the velocity v(x, t) that it follows."""
        coupling = self._coupling()
        rng = self.sampling.fork(ImageRng(seeds))
        source = coupling.source(pad_to_multiple(low, coupling.low_multiple), rng)
        velocity = self.velocity(source.condition)
        return self._heated(source, velocity)[0].x_0, velocity

    def of_latent(self, latent: Tensor, seeds: Tensor) -> Restoration:
        """Restore what small latents stand for."""
        rng = self.sampling.fork(ImageRng(seeds))
        coupling = self._coupling()
        low = coupling.encoder.decode(latent).clamp(0, 1) if self.sampling.consistency else None
        return self._finish(coupling, coupling.source_of_latent(latent, rng), rng, low, low)

    def _coupling(self) -> Coupling:
        encoder = self.coupling.encoder
        if self.tiling is not None:
            encoder = TiledEncoder(encoder, self.tiling, self.device)
        return self.coupling.within(encoder, lambda ask: lambda x, t, told: self.velocity(told, ask)(x, t))

    def _finish(
        self, coupling: Coupling, source: Source, rng: ImageRng, low: Image | None, padded: Image | None
    ) -> Restoration:
        sampling, scale = self.sampling, coupling.scale
        self._check(source)
        velocity = self.velocity(source.condition)
        if sampling.consistency and padded is not None:
            velocity = DataConsistency(velocity, self.path, coupling.encoder, padded, scale)
        source, asked = self._heated(source, velocity)
        x_0, estimate, diffusion = source.x_0, source.estimate, self.diffusion(source, rng)
        if sampling.fidelity == 0:
            estimate = None
        del source  # a large image has no room for what is not needed
        solution = sampling.walk(velocity, x_0, self.path, estimate=estimate, diffusion=diffusion)
        del velocity, x_0, estimate, diffusion
        image = coupling.encoder.decode(solution.x)
        if low is not None:
            image = crop_to(image, (scale * low.shape[-2], scale * low.shape[-1]))
            image = enforce_consistency(image, low, scale) if sampling.consistency else image
        return Restoration(image.clamp_(0, 1), solution.x, solution.nfe + asked + coupling.evaluations)

    def _heated(self, source: Source, velocity: Velocity) -> tuple[Source, int]:
        """The source that the sampling asks for, its estimate made if need be, and the evaluations of that."""
        if not self.sampling.needs_posterior_mean or source.estimate is not None:
            return self.sampling.heated(source), 0
        estimate = self.sampling.estimate(velocity, source.mean, self.path)
        return self.sampling.heated(replace(source, estimate=estimate)), 1

    def _check(self, source: Source) -> None:
        """Refuse settings that this coupling gives no meaning to."""
        if self.sampling.consistency and self.coupling.scale == 1:
            raise ValueError("consistency needs a model that enlarges: at scale 1 the result would be the input")
        told = self.coupling.context_channels or source.estimate is not None
        if self.sampling.needs_posterior_mean and not told and bool((source.std > 0).any()):
            raise ValueError(
                "fidelity and noise_contrast_limit need a network that is told the input; this one has no context"
            )

    def velocity(self, condition: Condition, ask: ConditionalVelocity | None = None) -> Velocity:
        """v(x, t) of the flow's network, or of another, given what it is told."""
        ask = self.cast(ask or self.ask)
        on_tile = self.on_tile or (lambda: None)
        if self.tiling is not None:
            return Tiled(ask, condition, self.tiling, self.device, on_tile)

        def whole(x: Tensor, t: Tensor) -> Tensor:
            v = ask(x, t, condition)
            on_tile()
            return v

        return whole

    def diffusion(self, source: Source, rng: ImageRng) -> PathDiffusion | None:
        """The law of the source, where it is random and the network is told what it depends on."""
        if self.sampling.noise == 0 or not self.coupling.has_known_score or not bool((source.std > 0).any()):
            return None
        return PathDiffusion(self.path, source.mean, source.std, rng.fork("diffusion"))


def enforce_consistency(image: Image, low: Image, scale: int, rounds: int = 30) -> Image:
    """The image near this one that shrinks to the input and lies in [0, 1]: projections in turn, until half a level.

    Where the input is 0 or 1 it was clipped, and what shrinks to less or to more agrees with it too. At edges between
    black and white no such image may exist: then what is left of the difference stays.
    """
    for _ in range(rounds):
        image = image.clamp(0, 1)
        shrunk = resize(image, scale=1 / scale)
        clipped = ((low <= 0) & (shrunk < 0)) | ((low >= 1) & (shrunk > 1))
        wanted = torch.where(clipped, shrunk, low)
        if float((wanted - shrunk).abs().max()) < 0.5 / 255:
            break
        image = back_project(image, wanted, scale)
    return image.clamp(0, 1)
