"""The pipeline at test time: encode, sample, decode."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor, nn

from cfmrestore.conditions import ConditionInputs, ConditionStack
from cfmrestore.couplings.base import Coupling
from cfmrestore.couplings.source import scale_noise
from cfmrestore.degradations.forward_operator import ForwardOperator
from cfmrestore.execution import Execution
from cfmrestore.flows.guided import guided_velocity
from cfmrestore.flows.sampling import Sampling, Start, estimate_posterior_mean, sample
from cfmrestore.flows.trajectory import Trajectory
from cfmrestore.guidance.data_consistency import DataConsistency
from cfmrestore.inverse.base import InverseSolver
from cfmrestore.inverse.problem import InverseProblem
from cfmrestore.ops.back_projection import enforce_consistency
from cfmrestore.ops.color_match import match_colors
from cfmrestore.ops.holes import fill_holes
from cfmrestore.ops.pad import crop_to, pad_to_multiple
from cfmrestore.ops.rng import ImageRng
from cfmrestore.paths.base import Path, PathDiffusion
from cfmrestore.typing import Image, Latent, Seeds, Size, Source, Velocity


@dataclass(frozen=True)
class Restoration:
    """Restored images, the latents that they were decoded from, and the network's evaluations that they took."""

    image: Tensor
    latent: Tensor
    nfe: int


@dataclass(frozen=True)
class Ends:
    """Images at t = 1, and what belongs to their paths.

    Args:
        x_1: Their latents.
        source: The law of the starts and a draw of it; where a path starts at an input and there is none, zeros.
        inputs: From which the network is told.
        low: The inputs, where they are given.
        nfe: Evaluations of networks that the starts took.
    """

    x_1: Tensor
    source: Source
    inputs: ConditionInputs
    low: Tensor | None
    nfe: int


@dataclass(frozen=True)
class SamplingPipeline:
    """Restores and generates with one flow; colors are matched once the image has its final size (``match_to_input``).

    Args:
        network: v(x, t, **conditioning).
        coupling: Where to start.
        conditions: What the network is told.
        path: The path that was trained.
        sampling: How to sample.
        execution: How networks are run.
        lead: What the velocity is wrapped in, inside of what keeps it consistent with an input: guidance of one's own.
    """

    network: nn.Module
    coupling: Coupling
    conditions: ConditionStack
    path: Path
    sampling: Sampling
    execution: Execution
    lead: Callable[[Velocity], Velocity] | None = None

    def restore(
        self, low: Tensor, seeds: Tensor, *, is_latent: bool = False, given: Mapping[str, Tensor] | None = None
    ) -> Restoration:
        """Restore images of any size, or what small latents stand for; one seed gives one image, whatever the batch.

        Args:
            low: The images, or latents.
            seeds: One an image.
            is_latent: Whether latents are given.
            given: What conditions need beside them, by name.
        """
        start = self._start_at(low, self.sampling.fork(ImageRng(seeds)), is_latent, given or {})
        solution = sample(start, self.path, self.sampling)
        del start  # a large image has no room for what is not needed
        image, scale = self.decode(solution.x), self.coupling.scale
        if not is_latent:
            image = crop_to(image, (scale * low.shape[-2], scale * low.shape[-1]))
        if self.sampling.consistency:
            image = enforce_consistency(image, self.decode(low) if is_latent else low, scale)
        return Restoration(image, solution.x, solution.nfe)

    @torch.no_grad()
    def generate(self, size: Size, seeds: Tensor, given: Mapping[str, Tensor] | None = None) -> Restoration:
        """Images of a size in pixels, from noise and what conditions are given; one seed gives one image."""
        solution = sample(self.start_of_noise(size, seeds, given), self.path, self.sampling)
        return Restoration(crop_to(self.decode(solution.x), size), solution.x, solution.nfe)

    @torch.no_grad()
    def invert(
        self, image: Image, seeds: Tensor, given: Mapping[str, Tensor] | None = None, *, time: float = 0.0
    ) -> Restoration:
        """Where the paths to images start: the solver walks from t = 1 to 0, under the conditions.

        Args:
            image: The images at t = 1.
            seeds: One an image, for an encoder that draws.
            given: What conditions were given, by name; "low" is the input, for those that tell it.
            time: Where to stop.
        """
        paths = self.trajectory(image, seeds, given)
        solution = paths.encode(time)
        picture = crop_to(self.decode(solution.x), (image.shape[-2], image.shape[-1]))
        return Restoration(picture, solution.x, solution.nfe + paths.nfe)

    @torch.no_grad()
    def trajectory(self, image: Image, seeds: Tensor, given: Mapping[str, Tensor] | None = None) -> Trajectory:
        """The paths to images, to be walked either way; the arguments are those of ``invert``."""
        if self.sampling.solver.needs_flow_map:
            name = type(self.sampling.solver).__name__
            raise ValueError(f"{name} steps forward alone: invert by the velocity, with the solver Euler or Heun")
        drawing = replace(self, sampling=replace(self.sampling, fidelity=0.0, noise_contrast_limit=None))
        ends = self.ends(image, seeds, given)
        start = drawing._start(ends.source, self.sampling.fork(ImageRng(seeds)), ends.low, ends.inputs.given)
        mean, x_1 = start.source_mean, ends.x_1
        if mean is not None:  # of which the path keeps a part
            x_1 = self.path.with_source(x_1, mean)

        def to_image(x: Tensor) -> Tensor:
            data = x if mean is None else self.path.without_source(x, mean)
            return crop_to(self.decode(data), (image.shape[-2], image.shape[-1]))

        return Trajectory(start.velocity, x_1, self.sampling, to_image, ends.nfe)

    def ends(self, image: Image, seeds: Seeds, given: Mapping[str, Tensor] | None = None) -> Ends:
        """Images as latents at t = 1, with the law of their starts; the arguments are those of ``invert``."""
        rng, given = self.sampling.fork(ImageRng(seeds)), dict(given or {})
        multiple = self._multiple
        encoder = self.execution.encoder(self.coupling.encoder)
        x_1 = encoder.encode(pad_to_multiple(image, multiple), rng.fork("encode"))
        if "low" in given:
            source, low, told = self._source_at(given.pop("low"), rng, given)
            return Ends(x_1, source, self._inputs(source, rng, told), low, self.coupling.extra_nfe)
        told = {key: _padded(value, multiple) for key, value in given.items()}
        zero = torch.zeros_like(x_1)
        needs_input = self.coupling.needs_input
        source = Source(zero, zero, zero) if needs_input else self._source_without_input(x_1, rng)
        return Ends(x_1, source, self._inputs(source, rng, told), None, 0)

    def told_otherwise(self, ends: Ends, given: Mapping[str, Tensor]) -> ConditionInputs:
        """From which the network is told other things of the same images: what is not given stays."""
        padded = {key: _padded(value, self._multiple) for key, value in given.items()}
        return replace(ends.inputs, given={**ends.inputs.given, **padded})

    @property
    def _multiple(self) -> int:
        """Number of which the sides of a result must be multiples."""
        return self.coupling.low_multiple * self.coupling.scale

    @torch.no_grad()
    def solve(
        self,
        solver: InverseSolver,
        y: Image,
        operator: ForwardOperator,
        size: Size,
        seeds: Tensor,
        given: Mapping[str, Tensor] | None = None,
    ) -> Restoration:
        """Images of a size of which the operator made y, by a flow from noise that was never trained for that."""
        needed = {name for part in self.conditions.parts for name in part.needs} & {"low", "mask"}
        if self.coupling.needs_input or needed:
            raise ValueError(
                "this model was trained to restore, and is told its input; a known degradation is undone with one that "
                "generates: coupling Independent, without the conditions LowRes and Inpaint"
            )
        if operator.out_size(size) != (y.shape[-2], y.shape[-1]):
            made, found = operator.out_size(size), y.shape[-2:]
            raise ValueError(
                f"the degradation makes {made[1]}x{made[0]} of {size[1]}x{size[0]} pixels; this image has "
                f"{found[1]}x{found[0]}"
            )
        plain = replace(self.sampling, fidelity=0.0, noise=1.0, noise_contrast_limit=None)
        start = replace(self, sampling=plain).start_of_noise(size, seeds, given)
        problem = InverseProblem(y, operator, self.coupling.encoder, size, operator.noise_level(y))
        rng = self.sampling.fork(ImageRng(seeds)).fork("inverse")
        solution = solver.solve(start.velocity, start.x_0, problem, self.path, rng)
        return Restoration(crop_to(self.decode(solution.x), size), solution.x, solution.nfe + start.nfe)

    def decode(self, latent: Tensor) -> Image:
        """The image of a latent."""
        return self.execution.encoder(self.coupling.encoder).decode(latent).clamp_(0, 1)

    def start(self, low: Image, seeds: Tensor, given: Mapping[str, Tensor] | None = None) -> Start:
        """The start of images, from which a sample is drawn, and the velocity v(x, t) from there on."""
        drawing = replace(self, sampling=replace(self.sampling, fidelity=0.0))
        return drawing._start_at(low, self.sampling.fork(ImageRng(seeds)), False, given or {})

    def start_of_noise(self, size: Size, seeds: Tensor, given: Mapping[str, Tensor] | None = None) -> Start:
        """The start of images of a size in pixels that are generated."""
        rng, space = self.sampling.fork(ImageRng(seeds)), self.coupling.encoder
        if self.sampling.consistency:
            raise ValueError("consistency is agreement with an input, and generation has none")
        f, given = space.downscale, {key: _padded(value, space.downscale) for key, value in (given or {}).items()}
        side = (-(-size[0] // f), -(-size[1] // f))
        like = torch.zeros(len(seeds), space.channels, *side, device=self.execution.device)
        return self._start(self._source_without_input(like, rng), rng, None, given)

    def _source_without_input(self, like: Latent, rng: ImageRng) -> Source:
        return self.coupling.checked(self.coupling.source_without_input(like, rng))

    def _start_at(self, low: Tensor, rng: ImageRng, is_latent: bool, given: Mapping[str, Tensor]) -> Start:
        """The start of a restoration."""
        if is_latent:
            source = self.coupling.checked(self.coupling.source_from_latent(low, rng, self.execution))
            image = self.decode(low) if self.sampling.consistency else None
        else:
            source, image, given = self._source_at(low, rng, given)
        return self._start(source, rng, image, given)

    def _source_at(
        self, low: Image, rng: ImageRng, given: Mapping[str, Tensor]
    ) -> tuple[Source, Image, dict[str, Tensor]]:
        """The source of inputs, these as the conditions have them, and all that conditions are given."""
        image = pad_to_multiple(low, self.coupling.low_multiple)
        padded = {key: _padded(value, self._multiple) for key, value in given.items()}
        image = self.conditions.prepare(image, padded)
        source = self.coupling.checked(self.coupling.source(image, rng, self.execution))
        return source, image, {**padded, "low": image}

    def _inputs(self, source: Source, rng: ImageRng, given: Mapping[str, Tensor]) -> ConditionInputs:
        encoder = self.execution.encoder(self.coupling.encoder)
        return ConditionInputs(source, given, lambda images, stream: encoder.encode(images, rng.fork(stream)))

    def _start(self, source: Source, rng: ImageRng, image: Image | None, given: Mapping[str, Tensor]) -> Start:
        is_random = bool((source.std > 0).any())  # by the coupling, whatever the images
        self._check(source, is_random)
        inputs = self._inputs(source, rng, given)
        velocity, extra_nfe = self._velocity(inputs, image), self.coupling.extra_nfe
        if self.sampling.needs_posterior_mean and source.estimate is None:
            source = replace(source, estimate=estimate_posterior_mean(velocity, source.mean, self.path))
            extra_nfe += 1
        factor = self.sampling.noise_factor(source.estimate)
        if self.sampling.fidelity < 1 and (isinstance(factor, Tensor) or factor != 1):  # else nothing changes
            source = scale_noise(source, factor)
            if self.conditions.noise_level:
                velocity = self._velocity(replace(inputs, source=source), image)
        has_law = is_random and self.sampling.noise > 0 and self.coupling.law_needs <= self.conditions.tells
        diffusion = PathDiffusion(self.path, source.mean, source.std, rng.fork("diffusion")) if has_law else None
        mean = source.estimate if self.sampling.mixes else None
        source_mean = source.mean if self.path.keeps_source else None
        return Start(velocity, source.x_0, mean, source_mean, diffusion, extra_nfe)

    def _velocity(self, inputs: ConditionInputs, low: Image | None) -> Velocity:
        """The velocity of the network, guided, and led to the input where consistency is asked for."""
        velocity = guided_velocity(
            self.conditions,
            inputs,
            partial(self.execution.velocity, self.network),
            guidance=self.sampling.guidance,
            interval=self.sampling.guidance_interval,
            names=self.conditions.droppable,
        )
        if self.lead is not None:
            velocity = self.lead(velocity)
        if low is None or not self.sampling.consistency:
            return velocity
        encoder = self.execution.encoder(self.coupling.encoder)
        return DataConsistency(velocity, self.path, encoder, low, self.coupling.scale)

    def _check(self, source: Source, is_random: bool) -> None:
        """Refuse settings that this flow gives no meaning to."""
        if self.sampling.solver.needs_flow_map:
            name = type(self.sampling.solver).__name__
            if not getattr(self.network, "flow_map", False):
                raise ValueError(
                    f"{name} steps by a flow map, and this network is a velocity: take another solver, or train one "
                    "from it with a config of configs/few_steps"
                )
            if self.sampling.share < 1 and not self.path.is_straight:
                raise ValueError(f"a fidelity between 0 and 1 under the dial of {name} is for straight paths")
        if self.sampling.consistency and self.coupling.scale == 1:
            raise ValueError("consistency needs a model that enlarges: at scale 1 the result would be the input")
        knows_input = self.conditions.context_channels or source.estimate is not None
        if self.sampling.needs_posterior_mean and not knows_input and is_random:
            raise ValueError(
                "fidelity and noise_contrast_limit need a network that is told the input; this one has no context"
            )


def _padded(value: Tensor, multiple: int) -> Tensor:
    """A map or mask of the image's size at the size to which the image is padded; all else as it is."""
    if value.dim() < 3:
        return value
    planes = value if value.dim() == 4 else value[:, None]
    padded = pad_to_multiple(planes.float(), multiple).to(value.dtype)
    return padded if value.dim() == 4 else padded[:, 0]


def match_to_input(
    image: Image, low: Image, scale: float, *, color: str, consistency: bool, mask: Tensor | None = None
) -> Image:
    """The restored image with the input's colors, shrinking to the input, and equal to it, as far as each is asked for.

    Args:
        image: The restoration.
        low: Its input.
        scale: Pixels of the restoration a pixel of the input; consistency is for whole ones.
        color: Mode of ``match_colors``.
        consistency: Project onto the images that shrink to the input.
        mask: Of an inpainting, 1 in the holes: what is 0 is the input's, bit for bit.
    """
    image = match_colors(image, low, color)
    if mask is not None:
        image = fill_holes(image, low, mask)
    return enforce_consistency(image, low, int(scale)) if consistency else image
