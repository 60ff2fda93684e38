"""A whole model as one graph, image to image, where a restoration is one evaluation."""

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor, nn

from cfmrestore.conditions import ConditionInputs
from cfmrestore.conditions.low_res import LowRes
from cfmrestore.couplings.lowres_latent import LowresLatent
from cfmrestore.execution.graph import EXAMPLE, Graph, least_side
from cfmrestore.export.folding import Decoder, FoldedDecoder, FoldedLift, Lift, folds
from cfmrestore.flows.coupling_flow import CouplingFlow
from cfmrestore.flows.sampling import Sampling, estimate_posterior_mean
from cfmrestore.ops.color_match import match_colors
from cfmrestore.ops.pad import crop_to, pad_to_multiple
from cfmrestore.ops.rng import ImageRng
from cfmrestore.solvers import Euler, FlowMapEuler
from cfmrestore.typing import Image, Latent, Source, Time

COLORS = ("none", "mean", "adain")
NOISE_SIDE = 64
"""Samples of a latent after which the noise of a graph with one input comes again."""


class ImageGraph(Graph):
    r"""RGB in [0, 1] to RGB in [0, 1], of any size: encoder, start, one evaluation, decoder.

    At fidelity 1 it is the posterior mean, which one evaluation estimates. Below it is a sample by one interval of
    Euler's method or of a flow map, under the dial of ``FlowMapEuler`` at any fidelity; its noise is a second input,
    standard normal and of the size of the latent, or a square of one draw that comes again and again.

    Args:
        flow: The model.
        sampling: How it restores: by one evaluation in all.
        noise_input: Take the noise as an input.
    """

    tile: Tensor | None

    def __init__(self, flow: CouplingFlow, sampling: Sampling, *, noise_input: bool = False) -> None:
        coupling = check_flow(flow)
        check_sampling(flow, sampling)
        drawn, channels = sampling.fidelity < 1, flow.encoder.channels
        if noise_input and not drawn:
            raise ValueError("at fidelity 1 nothing is drawn: there is no noise to be an input")
        if noise_input and coupling.scale != flow.encoder.downscale:
            raise ValueError("noise is an input where the latent has the size of the image: leave --noise-input out")
        batch, height, width = EXAMPLE
        inputs = {"image": 3} | ({"noise": channels} if noise_input else {})
        examples = {key: torch.zeros(batch, c, height, width) for key, c in inputs.items()}
        super().__init__(examples, output="restored", least=least_image(flow))
        self.network, self.regression = flow.network, coupling.network
        self.lift, self.decode = ends_of(flow)
        self.scale, self.multiple = coupling.scale, coupling.low_multiple
        self.share = coupling.restore_share  # a number, which no graph computes
        self.conditions, self.path, self.keeps_source = flow.conditions, flow.path, flow.path.keeps_source
        self.sampling, self.until = sampling, sampling.share if sampling.solver.needs_flow_map else None
        tile = ImageRng([0]).normal(channels, NOISE_SIDE, NOISE_SIDE) if drawn and not noise_input else None
        self.register_buffer("tile", tile, persistent=False)

    def forward(self, *inputs: Tensor) -> Image:
        image, *noise = inputs
        x_1 = self.restored_latent(self.lift(pad_to_multiple(image, self.multiple)), *noise)
        restored = self.decode(x_1).clamp(0, 1)
        if self.multiple > 1:
            restored = crop_to(restored, (self.scale * image.shape[-2], self.scale * image.shape[-1]))
        return match_colors(restored, image, self.sampling.color)

    def restored_latent(self, c: Latent, noise: Latent | None = None) -> Latent:
        """The end of the path that starts at an input, which is given as a latent of the target's size."""
        start = c.new_zeros(())
        mean, std = self.share**0.5 * c, (1 - self.share) ** 0.5
        if self.regression is not None:  # PosteriorMean's own estimate
            return c + self.regression(c, start.expand(c.shape[0]), context=c)
        if self.sampling.fidelity == 1:
            return estimate_posterior_mean(self._velocity(mean, c, std), mean, self.path)
        std = self.sampling.share * self.sampling.noise * std
        x_0 = mean + std * (self._repeated(c) if noise is None else noise)
        x_1 = x_0 + self._velocity(x_0, c, std)(x_0, start, self.until)
        return self.path.without_source(x_1, mean) if self.keeps_source else x_1

    def _velocity(self, x_0: Latent, c: Latent, std: float) -> Callable[..., Latent]:
        """v(x, t) from a start on, or u(x, t, r)."""
        level = c.new_full((), std).expand(c.shape[0])
        source = Source(x_0, x_0, x_0, lowres=c, noise_level=level)
        told = self.conditions.embed(ConditionInputs(source, {"low": c}, lambda images, stream: images))

        def velocity(x: Latent, t: Time, until: float | None = None) -> Latent:
            duration = {} if until is None else {"duration": torch.full_like(level, until)}
            v: Tensor = self.network(x, t.expand(x.shape[0]), **told, **duration)
            return v

        return velocity

    def _repeated(self, c: Latent) -> Latent:
        assert self.tile is not None
        rows, columns = (torch.arange(n, device=c.device) % NOISE_SIDE for n in c.shape[-2:])
        return self.tile.index_select(-2, rows).index_select(-1, columns).expand_as(c)


def ends_of(flow: CouplingFlow) -> tuple[nn.Module, nn.Module]:
    """What makes the latent of an input, and the image of a latent."""
    execution = flow.execution(memory_format=torch.contiguous_format)
    if folds(flow.coupling):
        return FoldedLift(flow.coupling, execution), FoldedDecoder(flow.encoder)
    return Lift(flow.coupling, execution), Decoder(flow.encoder)


def least_image(flow: CouplingFlow) -> int:
    """Side of an input whose latent, where it is a smaller one, and deepest features have two samples."""
    same = flow.encoder.downscale == flow.coupling.scale
    latent = max(least_side(flow.network), 1 if same else 2)
    return (latent - 1) * flow.encoder.downscale // flow.coupling.scale + 1


def one_evaluation(flow: CouplingFlow, sampling: Sampling) -> Sampling:
    """The sampling where it takes one evaluation, and else at fidelity 1, which does."""
    return sampling if flow.nfe(sampling) == 1 else replace(sampling, fidelity=1.0)


def check_flow(flow: CouplingFlow) -> LowresLatent:
    """The coupling of a model that is a function of one image; any other model is refused."""
    coupling = flow.coupling
    if not isinstance(coupling, LowresLatent) or not all(isinstance(part, LowRes) for part in flow.conditions.parts):
        told = ", ".join([type(coupling).__name__, *flow.conditions])
        raise ValueError(
            f"a graph is of a model that restores an image and is told nothing else; this one has {told}: take one "
            "with the coupling LowresLatent or PosteriorMean and the condition LowRes"
        )
    if coupling.filled:
        raise ValueError("a start that is filled with noise is no part of a graph: take another upsample")
    if flow.encoder.draws:
        raise ValueError("its encoder draws its latents, which a graph does not: load it with posterior='mode'")
    return coupling


def check_sampling(flow: CouplingFlow, sampling: Sampling) -> None:
    """Refuse more than one evaluation, and what no graph does."""
    nfe = flow.nfe(sampling)
    if nfe != 1 or not isinstance(sampling.solver, Euler | FlowMapEuler):
        takes = "as many as its error asks for" if nfe is None else nfe
        raise ValueError(
            f"a graph from image to image makes one evaluation; fidelity {sampling.fidelity:g} by "
            f"{type(sampling.solver).__name__} in {sampling.intervals} intervals takes {takes}: ask for fidelity 1, "
            "or one interval of Euler or of a flow map; or export the network, the encoder and the decoder, one graph "
            "each (--graph), and solve outside"
        )
    if sampling.consistency:
        raise ValueError("consistency is no part of a graph: leave it out")
    if sampling.color not in COLORS:
        raise ValueError(f"a graph corrects colors by {', '.join(COLORS)}; got {sampling.color!r}: give one of them")
