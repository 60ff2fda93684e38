"""One restoration: encode, walk, decode; whole or by tiles."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from cfmrestore.couplings.base import Coupling
from cfmrestore.encoders.tiled import TiledEncoder
from cfmrestore.flows.sampling import Restoration, Sampling
from cfmrestore.guidance import DataConsistency, Tiled
from cfmrestore.ops.back_projection import back_project
from cfmrestore.ops.pad import crop_to, pad_to_multiple
from cfmrestore.ops.rng import ImageRng
from cfmrestore.ops.tiles import Tiling
from cfmrestore.paths.base import Path, PathDiffusion
from cfmrestore.typing import Condition, Image, Latent, Size, Source, Velocity

Ask = Callable[[Latent, Tensor, Condition], Latent]


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
    """

    ask: Ask
    coupling: Coupling
    path: Path
    sampling: Sampling
    device: torch.device
    tiling: Tiling | None = None
    on_tile: Callable[[], None] | None = None

    def of_image(self, low: Image, seeds: Tensor) -> Restoration:
        """Restore images of any size."""
        rng = self.sampling.fork(ImageRng(seeds))
        coupling = self._coupling()
        padded = pad_to_multiple(low, coupling.low_multiple)
        size = (low.shape[-2] * coupling.scale, low.shape[-1] * coupling.scale)
        return self._finish(coupling, coupling.source(padded, rng), rng, padded, size)

    def begin(self, low: Image, seeds: Tensor) -> tuple[Latent, Velocity]:
        """Where the walk of an image begins, and the velocity v(x, t) that it follows."""
        coupling = self._coupling()
        rng = self.sampling.fork(ImageRng(seeds))
        source = self.sampling.heated(coupling.source(pad_to_multiple(low, coupling.low_multiple), rng))
        return source.x_0, self.velocity(source.condition)

    def of_latent(self, latent: Tensor, seeds: Tensor) -> Restoration:
        """Restore what small latents stand for."""
        rng = self.sampling.fork(ImageRng(seeds))
        coupling = self._coupling()
        grow = coupling.scale * coupling.encoder.downscale
        size = (latent.shape[-2] * grow, latent.shape[-1] * grow)
        low = coupling.encoder.decode(latent).clamp(0, 1) if self.sampling.consistency else None
        return self._finish(coupling, coupling.source_of_latent(latent, rng), rng, low, size)

    def _coupling(self) -> Coupling:
        if self.tiling is None:
            return self.coupling
        return self.coupling.within(TiledEncoder(self.coupling.encoder, self.tiling, self.device))

    def _finish(self, coupling: Coupling, source: Source, rng: ImageRng, low: Image | None, size: Size) -> Restoration:
        sampling = self.sampling
        source = sampling.heated(source)
        velocity, diffusion = self.velocity(source.condition), self.diffusion(source, rng)
        if sampling.consistency and low is not None:
            velocity = DataConsistency(velocity, self.path, coupling.encoder, low, coupling.scale)
        x_0, mean = source.x_0, source.mean if sampling.fidelity > 0 else None
        del source  # a large image has no room for what is not needed
        solution = sampling.walk(velocity, x_0, self.path, mean=mean, diffusion=diffusion)
        del velocity, x_0, mean, diffusion
        image = coupling.encoder.decode(solution.x)
        if sampling.consistency and low is not None:
            image = agreeing(image, low, coupling.scale)
        return Restoration(crop_to(image, size).clamp_(0, 1), solution.x, solution.nfe)

    def velocity(self, condition: Condition) -> Velocity:
        """v(x, t), given what the network is told."""
        on_tile = self.on_tile or (lambda: None)
        if self.tiling is not None:
            return Tiled(self.ask, condition, self.tiling, self.device, on_tile)

        def whole(x: Tensor, t: Tensor) -> Tensor:
            v = self.ask(x, t, condition)
            on_tile()
            return v

        return whole

    def diffusion(self, source: Source, rng: ImageRng) -> PathDiffusion | None:
        """The law of the source, where it is random and the network is told what it depends on."""
        if not self.coupling.law_is_told or not bool((source.std > 0).any()):
            return None
        return PathDiffusion(self.path, source.mean, source.std, rng.fork("diffusion"))


def agreeing(image: Image, low: Image, scale: int, rounds: int = 5) -> Image:
    """The image near this one that shrinks to the input and lies in [0, 1]: projections in turn, until half a level."""
    for _ in range(rounds):
        image = back_project(image.clamp(0, 1), low, scale)
        if float(image.clamp(0, 1).sub_(image).abs().max()) < 0.5 / 255:
            break
    return image
