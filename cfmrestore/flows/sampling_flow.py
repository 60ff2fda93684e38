"""What a trained flow does: it restores, generates, inverts, and undoes a known degradation."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from cfmrestore.conditions import ConditionStack
from cfmrestore.couplings.base import Coupling
from cfmrestore.degradations.forward_operator import ForwardOperator
from cfmrestore.encoders.base import Encoder
from cfmrestore.execution import Execution, compile_blocks
from cfmrestore.flows.pipeline import Restoration, SamplingPipeline, match_to_input
from cfmrestore.flows.sampling import Sampling
from cfmrestore.flows.trained_model import TrainedModel
from cfmrestore.inverse.base import InverseSolver
from cfmrestore.ops.pad import crop_to, pad_to_multiple
from cfmrestore.ops.rng import ImageRng
from cfmrestore.paths.base import Path
from cfmrestore.registry import INVERSE_SOLVERS
from cfmrestore.typing import Image, Size

Config = dict[str, Any]


class SamplingFlow(TrainedModel):
    """A flow whose paths are walked by a solver, from the source of its coupling or from noise.

    Restoration starts at the coupling's source for an input, generation at noise; the solver leads both to t = 1.
    """

    network: nn.Module
    coupling: Coupling
    conditions: ConditionStack
    path: Path
    sampling: Sampling
    layout: torch.memory_format

    @property
    def encoder(self) -> Encoder:
        return self.coupling.encoder

    def compile_parts(self) -> None:
        """Compile what is evaluated most: the networks, encoder and decoder."""
        for module in (self.network, self.coupling.network, self.encoder):
            if module is not None:
                compile_blocks(module)

    def nfe(self, sampling: Sampling) -> int | None:
        """Number of function evaluations of a restoration; None where the solver's own error decides."""
        return evaluations(self.coupling, sampling)

    def restore(
        self,
        low: Image,
        seeds: Tensor,
        sampling: Sampling | None = None,
        *,
        given: Mapping[str, Tensor] | None = None,
        execution: Execution | None = None,
    ) -> Restoration:
        """Restore images of any size, as the config says or by another sampling; the same seed gives the same image."""
        sampling = sampling or self.sampling
        done = self.pipeline(sampling, execution).restore(low, seeds, given=given)
        image = match_to_input(
            done.image, low, self.coupling.scale, color=sampling.color, consistency=sampling.consistency,
            mask=(given or {}).get("mask"),
        )  # fmt: skip
        return replace(done, image=image)

    def generate(
        self,
        size: Size,
        seeds: Tensor,
        sampling: Sampling | None = None,
        *,
        given: Mapping[str, Tensor] | None = None,
        execution: Execution | None = None,
    ) -> Restoration:
        """Images of a size, from noise and what the conditions are given; the same seed gives the same image."""
        return self.pipeline(sampling, execution).generate(size, seeds, given)

    def invert(
        self,
        image: Image,
        seeds: Tensor,
        sampling: Sampling | None = None,
        *,
        given: Mapping[str, Tensor] | None = None,
        execution: Execution | None = None,
        time: float = 0.0,
    ) -> Restoration:
        """The starts that lead to images, as pictures and latents: the path walked from t = 1 back to a time, or to 0.

        ``given`` is what the conditions are given, with "low", the input, where they tell it.
        """
        return self.pipeline(sampling, execution).invert(image, seeds, given, time=time)

    def solve(
        self,
        y: Image,
        operator: ForwardOperator,
        seeds: Tensor,
        solver: InverseSolver | Config | None = None,
        sampling: Sampling | None = None,
        *,
        size: Size | None = None,
        given: Mapping[str, Tensor] | None = None,
        execution: Execution | None = None,
    ) -> Restoration:
        """Images of which a known degradation made y: restoration with a flow that generates, without training.

        Args:
            y: What was observed.
            operator: What made it, and its noise level.
            seeds: One an image.
            solver: Which method; by default ``Flower``.
            sampling: For guidance; the solver and grid of the flow are not used.
            size: Height and width of the images; by default those of y.
            given: What the conditions are given, by name.
            execution: How networks are run.
        """
        method = INVERSE_SOLVERS.build(solver or {"type": "Flower"})
        size = size or (y.shape[-2], y.shape[-1])
        return self.pipeline(sampling, execution).solve(method, y, operator, size, seeds, given)

    def pipeline(self, sampling: Sampling | None = None, execution: Execution | None = None) -> SamplingPipeline:
        """The pipeline that restores and generates: as the config says, or otherwise."""
        return SamplingPipeline(
            self.network,
            self.coupling,
            self.conditions,
            self.path,
            sampling or self.sampling,
            execution or self.execution(),
        )

    def execution(self, **changes: Any) -> Execution:
        """How the networks are run: where they are, in their layout, and with the given keys of ``Execution``."""
        device = next(self.parameters()).device
        return Execution(**{"device": device, "memory_format": self.layout, **changes})

    @torch.no_grad()
    def reconstruct(self, high: Image, seeds: Tensor) -> Image:
        """Images through the encoder and back."""
        padded = pad_to_multiple(high, self.encoder.downscale)
        latent = self.encoder.encode(padded, ImageRng(seeds).fork("ceiling"))
        return crop_to(self.encoder.decode(latent), (high.shape[-2], high.shape[-1])).clamp(0, 1)


def evaluations(coupling: Coupling | type[Coupling], sampling: Sampling) -> int | None:
    """Number of function evaluations of a restoration from such starts; None where the solver's own error decides."""
    known = int(coupling.gives_estimate and sampling.needs_posterior_mean)
    return None if sampling.nfe is None else sampling.nfe + coupling.extra_nfe - known
