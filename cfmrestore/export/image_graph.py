"""A whole model as one graph, image to image, where a restoration is one evaluation."""

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor, nn

from cfmrestore.conditions import ConditionInputs
from cfmrestore.conditions.low_res import LowRes
from cfmrestore.couplings.base import Coupling
from cfmrestore.couplings.lowres_latent import LowresLatent
from cfmrestore.execution.graph import EXAMPLE, Graph, least_side
from cfmrestore.export.coupling_law import CouplingLaw, check_law
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
        if noise_input and (coupling.scale != flow.encoder.downscale or coupling.low_multiple > 1):
            raise ValueError("noise is an input where the latent has the size of the image: leave --noise-input out")
        batch, height, width = EXAMPLE
        inputs = {"image": 3} | ({"noise": channels} if noise_input else {})
        examples = {key: torch.zeros(batch, c, height, width) for key, c in inputs.items()}
        super().__init__(examples, output="restored", least=least_image(flow))
        self.network, self.regression = flow.network, coupling.network
        self.lift, self.decode = ends_of(flow)
        self.scale, self.multiple = coupling.scale, coupling.low_multiple
        self.share = restore_share(coupling)
        self.conditions, self.path, self.keeps_source = flow.conditions, flow.path, flow.path.keeps_source
        self.sampling, self.until = sampling, sampling.share if sampling.solver.needs_flow_map else None
        tile = ImageRng([0]).normal(channels, NOISE_SIDE, NOISE_SIDE) if drawn and not noise_input else None
        self.register_buffer("tile", tile, persistent=False)

    def forward(self, *inputs: Tensor) -> Image:
        image, *noise = inputs
        x_1 = self.restored_latent(self.source(pad_to_multiple(image, self.multiple)), *noise)
        restored = self.decode(x_1).clamp(0, 1)
        if self.multiple > 1:
            restored = crop_to(restored, (self.scale * image.shape[-2], self.scale * image.shape[-1]))
        return match_colors(restored, image, self.sampling.color)

    def source(self, low: Image) -> Source:
        """The law of the start at an input, with its mean in place of a draw."""
        lifted: Latent | Source = self.lift(low)
        if isinstance(lifted, Source):
            return lifted
        assert self.share is not None
        c = lifted
        mean, std = self.share**0.5 * c, c.new_full((), (1 - self.share) ** 0.5)
        return Source(mean, mean, std, lowres=c, noise_level=std.expand(c.shape[0]))

    def restored_latent(self, source: Source, noise: Latent | None = None) -> Latent:
        """The end of the path from a start of that law."""
        mean, c = source.mean, source.lowres
        assert c is not None
        start = c.new_zeros(())
        if self.regression is not None:  # PosteriorMean's own estimate
            return c + self.regression(c, start.expand(c.shape[0]), context=c)
        if self.sampling.fidelity == 1:
            return estimate_posterior_mean(self._velocity(source), mean, self.path)
        factor, level = self.sampling.share * self.sampling.noise, source.noise_level
        x_0 = mean + factor * source.std * (self._repeated(c) if noise is None else noise)
        noised = replace(source, noise_level=None if level is None else factor * level)
        x_1 = x_0 + self._velocity(noised)(x_0, start, self.until)
        return self.path.without_source(x_1, mean) if self.keeps_source else x_1

    def _velocity(self, source: Source) -> Callable[..., Latent]:
        """v(x, t) from a start on, or u(x, t, r)."""
        told = self.conditions.embed(ConditionInputs(source, {}, lambda images, stream: images))

        def velocity(x: Latent, t: Time, until: float | None = None) -> Latent:
            duration = {} if until is None else {"duration": x.new_full((x.shape[0],), until)}
            v: Tensor = self.network(x, t.expand(x.shape[0]), **told, **duration)
            return v

        return velocity

    def _repeated(self, c: Latent) -> Latent:
        assert self.tile is not None
        rows, columns = (torch.arange(n, device=c.device) % NOISE_SIDE for n in c.shape[-2:])
        return self.tile.index_select(-2, rows).index_select(-1, columns).expand_as(c)


def ends_of(flow: CouplingFlow) -> tuple[nn.Module, nn.Module]:
    """What makes the latent of an input, or the whole law of a start where no two numbers say it; and the image."""
    execution = flow.execution(memory_format=torch.contiguous_format)
    if restore_share(flow.coupling) is None:
        return CouplingLaw(flow.coupling, execution), (
            FoldedDecoder(flow.encoder) if folds(flow.coupling) else Decoder(flow.encoder)
        )
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


def restore_share(coupling: Coupling) -> float | None:
    """The share of LowresLatent, a number that no graph computes; None of a coupling that has a law of its own."""
    return coupling.restore_share if isinstance(coupling, LowresLatent) else None


def check_flow(flow: CouplingFlow) -> Coupling:
    """The coupling of a model that is a function of one image; any other model is refused."""
    coupling, parts = flow.coupling, flow.conditions.parts
    name = type(coupling).__name__
    if foreign := [type(part).__name__ for part in parts if not isinstance(part, LowRes)]:
        raise ValueError(
            f"a graph is of a model that is told its input and nothing else, by the condition LowRes; this one is told "
            f"{', '.join(foreign)}"
        )
    if not coupling.needs_input and not flow.conditions.context_channels:
        raise ValueError(
            f"a graph is of a model that restores an image; this one has {name} without LowRes, and draws images of "
            "noise"
        )
    if flow.encoder.draws:
        raise ValueError("its encoder draws its latents, which a graph does not: load it with posterior='mode'")
    if isinstance(coupling, LowresLatent):
        if coupling.filled:
            raise ValueError("a start that is filled with noise is no part of a graph: take another upsample")
    elif coupling.extra_nfe:
        raise ValueError(
            f"the start of {name} evaluates a network, which a graph does of PosteriorMean alone: take that coupling, "
            "or one without a network"
        )
    else:
        check_law(coupling, flow.execution())
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
