"""The restoration pipeline: encode, sample, decode."""

from dataclasses import dataclass, replace

from torch import Tensor, nn

from cfmrestore.couplings.base import Coupling
from cfmrestore.couplings.source import scale_noise
from cfmrestore.execution import Execution
from cfmrestore.flows.sampling import Sampling, estimate_posterior_mean, sample
from cfmrestore.guidance import DataConsistency
from cfmrestore.ops.back_projection import enforce_consistency
from cfmrestore.ops.color_match import match_colors
from cfmrestore.ops.pad import crop_to, pad_to_multiple
from cfmrestore.ops.rng import ImageRng
from cfmrestore.paths.base import Path, PathDiffusion
from cfmrestore.typing import Condition, Image, Latent, Source, Velocity


@dataclass(frozen=True)
class Restoration:
    """Restored images, the latents that they were decoded from, and the network's evaluations that they took."""

    image: Tensor
    latent: Tensor
    nfe: int


@dataclass(frozen=True)
class RestorationPipeline:
    """Restores with one flow; colors are matched once the image has its final size (``match_to_input``).

    Args:
        network: v(x, t, **condition).
        coupling: Where to start.
        path: The path that was trained.
        sampling: How to sample.
        execution: How networks are run.
    """

    network: nn.Module
    coupling: Coupling
    path: Path
    sampling: Sampling
    execution: Execution

    def restore(self, low: Tensor, seeds: Tensor, *, is_latent: bool = False) -> Restoration:
        """Restore images of any size, or what small latents stand for; one seed gives one image, whatever the batch."""
        rng = self.sampling.fork(ImageRng(seeds))
        source, velocity, diffusion, extra_nfe = self._start(low, rng, is_latent)
        x_0 = source.x_0
        posterior_mean = source.estimate if self.sampling.fidelity > 0 else None
        source_mean = source.mean if self.path.keeps_source else None
        del source  # a large image has no room for what is not needed
        solution = sample(
            velocity, x_0, self.path, self.sampling,
            posterior_mean=posterior_mean, source_mean=source_mean, diffusion=diffusion,
        )  # fmt: skip
        del velocity, x_0, posterior_mean, source_mean, diffusion
        image, scale = self.decode(solution.x), self.coupling.scale
        if not is_latent:
            image = crop_to(image, (scale * low.shape[-2], scale * low.shape[-1]))
        if self.sampling.consistency:
            image = enforce_consistency(image, self.decode(low) if is_latent else low, scale)
        return Restoration(image, solution.x, solution.nfe + extra_nfe + self.coupling.extra_nfe)

    def decode(self, latent: Tensor) -> Image:
        """The image of a latent."""
        return self.execution.encoder(self.coupling.encoder).decode(latent).clamp_(0, 1)

    def start(self, low: Image, seeds: Tensor) -> tuple[Latent, Velocity]:
        """The start x_0 of images, from which a sample is drawn, and the velocity v(x, t) from there on."""
        drawing = replace(self, sampling=replace(self.sampling, fidelity=0.0))
        source, velocity, _, _ = drawing._start(low, self.sampling.fork(ImageRng(seeds)), is_latent=False)
        return source.x_0, velocity

    def _start(self, low: Tensor, rng: ImageRng, is_latent: bool) -> tuple[Source, Velocity, PathDiffusion | None, int]:
        """The start with its noise scaled, the velocity from there on, its law, and the evaluations that this took."""
        image: Image | None
        if is_latent:
            source = self.coupling.source_from_latent(low, rng, self.execution)
            image = self.decode(low) if self.sampling.consistency else None
        else:
            image = pad_to_multiple(low, self.coupling.low_multiple)
            source = self.coupling.source(image, rng, self.execution)
        is_random = bool((source.std > 0).any())  # by the coupling, whatever the images
        self._check(source, is_random)
        velocity, extra_nfe = self._velocity(source.condition, image), 0
        if self.sampling.needs_posterior_mean and source.estimate is None:
            source = replace(source, estimate=estimate_posterior_mean(velocity, source.mean, self.path))
            extra_nfe = 1
        factor = self.sampling.noise_factor(source.estimate)
        if self.sampling.fidelity < 1 and (isinstance(factor, Tensor) or factor != 1):  # else nothing changes
            source = scale_noise(source, factor)
            if "noise_level" in source.condition:
                velocity = self._velocity(source.condition, image)
        has_law = is_random and self.sampling.noise > 0 and self.coupling.has_known_score
        diffusion = PathDiffusion(self.path, source.mean, source.std, rng.fork("diffusion")) if has_law else None
        return source, velocity, diffusion, extra_nfe

    def _velocity(self, condition: Condition, low: Image | None) -> Velocity:
        """The velocity of the network, led to the input where consistency is asked for."""
        velocity = self.execution.velocity(self.network, condition)
        if low is None or not self.sampling.consistency:
            return velocity
        encoder = self.execution.encoder(self.coupling.encoder)
        return DataConsistency(velocity, self.path, encoder, low, self.coupling.scale)

    def _check(self, source: Source, is_random: bool) -> None:
        """Refuse settings that this coupling gives no meaning to."""
        if self.sampling.consistency and self.coupling.scale == 1:
            raise ValueError("consistency needs a model that enlarges: at scale 1 the result would be the input")
        knows_input = self.coupling.context_channels or source.estimate is not None
        if self.sampling.needs_posterior_mean and not knows_input and is_random:
            raise ValueError(
                "fidelity and noise_contrast_limit need a network that is told the input; this one has no context"
            )


def match_to_input(image: Image, low: Image, scale: float, *, color: str, consistency: bool) -> Image:
    """The restored image with the input's colors, and shrinking to the input, as far as either is asked for.

    Args:
        image: The restoration.
        low: Its input.
        scale: Pixels of the restoration a pixel of the input; consistency is for whole ones.
        color: Mode of ``match_colors``.
        consistency: Project onto the images that shrink to the input.
    """
    image = match_colors(image, low, color)
    return enforce_consistency(image, low, int(scale)) if consistency and scale == int(scale) else image
