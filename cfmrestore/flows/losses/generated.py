"""What losses on whole results have in common: few steps of the solver, and features of where they end."""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from cfmrestore.flows.losses.base import Loss, Prediction, shifted
from cfmrestore.flows.losses.spaces import Samples, Space, build_spaces, needs_images, samples_of
from cfmrestore.ops.gather import from_first
from cfmrestore.ops.transfer import sent_to
from cfmrestore.registry import GRIDS, SOLVERS
from cfmrestore.solvers.base import Solver
from cfmrestore.typing import Image, Latent, PerImage

_recomputed = partial(checkpoint, use_reentrant=False)


class GeneratedLoss(Loss):
    r"""A loss on samples of the flow, beside real images, in spaces of features.

    Fresh starts :math:`x_0 = m + s \epsilon` of the source's law are led to t = 1 by K intervals of the solver, with
    gradients. Each evaluation of the network is computed again on the way back, so that what is held does not grow with
    K but by the K latents. With ``chunk`` that holds of images, too: features are all that stays of a chunk, whose
    steps, decoding and features are computed again, chunk after chunk, once the loss of all features and its gradient
    in each feature are known. This is the gradient of the whole batch in two passes, exactly: a loss of the set is no
    mean over parts of it, and accumulated gradients of small batches are not that of a large one.

    Decoded values outside [0, 1] are clamped, as in what is sampled, but their gradients pass.

    Args:
        features: "latent", "pixels" or a feature extractor, by name or as ``dict(type=..., weights=...)``; or several,
            whose losses are added.
        patches: Compare so many places of the extractors' maps of an image, drawn anew for each, at each of their
            depths, in place of whole images; 0 takes whole images.
        num_intervals: Number K of steps, or several of which a batch takes one: the same network for all.
        solver: By default ``FlowMapEuler`` for a flow map and ``Euler`` for a velocity.
        grid: The times; uniform by default.
        draws: Starts M of each input, whose results are compared with its own target: for restoration. 0 compares the
            set of results with that of targets.
        per_label: Compare within the images of a label. Needs conditions without dropout.
        shift: Look at windows of the images that are so many pixels smaller, as in ``Perceptual``.
        chunk: Images of which more than features is held at a time; None is all.
        weight: Factor on it in the sum of losses.
    """

    def __init__(
        self,
        *,
        features: Any = "latent",
        patches: int = 0,
        num_intervals: int | Sequence[int] = 1,
        solver: Any = None,
        grid: Any = None,
        draws: int = 0,
        per_label: bool = False,
        shift: int = 0,
        chunk: int | None = None,
        weight: float = 1.0,
    ) -> None:
        super().__init__(weight=weight)
        counts = [num_intervals] if isinstance(num_intervals, int) else list(num_intervals)
        if not counts or not all(isinstance(k, int) and k > 0 for k in counts):
            raise ValueError(f"num_intervals is a positive number, or several; got {num_intervals!r}")
        if draws < 0 or draws == 1 or patches < 0 or shift < 0 or (chunk is not None and chunk < 1):
            got = f"draws={draws}, patches={patches}, shift={shift}, chunk={chunk}"
            raise ValueError(f"draws is 0, or 2 or more, patches and shift 0 or more and chunk 1 or more; got {got}")
        if draws and per_label:
            raise ValueError("draws compares within an input already: leave per_label out")
        self.spaces: list[Space] = build_spaces(features)
        self.num_intervals, self.patches, self.draws = counts, patches, draws
        self.per_label, self.shift, self.chunk = per_label, shift, chunk
        self.solver: Solver | None = None if solver is None else SOLVERS.build(solver)
        self.needs_flow_map = self.solver is not None and self.solver.needs_flow_map
        self.grid = GRIDS.build(grid or {"type": "UniformGrid"})

    @property
    def frozen(self) -> nn.Module | None:
        networks = [space for space in self.spaces if isinstance(space, nn.Module)]
        return nn.ModuleList(networks) if networks else None

    def __call__(self, prediction: Prediction) -> PerImage:
        if self.per_label and prediction.label is None:
            raise ValueError(f"{type(self).__name__} with per_label needs data with labels")
        generated, real = self.samples(prediction)
        values = [self.compare(y, x, prediction.label) for y, x in zip(generated, real, strict=True)]
        return torch.stack(values).sum(dim=0).to(prediction.x_t)

    @abstractmethod
    def compare(self, generated: Samples, real: Samples, label: Tensor | None) -> PerImage:
        """The loss in one space.

        Args:
            generated: Features of results: with draws, those of one start of each image, then of the next of each.
            real: Features of the targets, in the order of the images.
            label: Their labels, where there are any.
        """

    def samples(self, prediction: Prediction) -> tuple[list[Samples], list[Samples]]:
        """The features of results, with gradients, and of the targets, in all spaces and depths."""
        images, rng = len(prediction.x_t), prediction.rng.fork("generated")
        device, times = prediction.x_t.device, max(self.draws, 1)
        places = rng.fork("places").uniform(self.patches, 2).to(device, non_blocking=True) if self.patches else None
        source = prediction.pair.source
        noise = sent_to(rng.normal(times, *source.mean.shape[1:]), source.mean)
        starts = torch.cat([source.mean + source.std * one for one in noise.unbind(dim=1)])
        k = self._count(prediction)
        of = torch.arange(images, device=device).repeat(times)
        generated = self._by_chunks(of, lambda rows: self._generate(prediction, starts[rows], of[rows], k, places))
        with torch.no_grad():
            all_images = torch.arange(images, device=device)
            real = self._by_chunks(all_images, lambda rows: self._real(prediction, rows, places))
        return generated, real

    def _by_chunks(self, of: Tensor, features: Callable[[Tensor], list[Samples]]) -> list[Samples]:
        rows = torch.arange(len(of), device=of.device)
        if self.chunk is None:
            return features(rows)
        parts = [_recomputed(features, part) for part in rows.split(self.chunk)]
        return [torch.cat(depth) for depth in zip(*parts, strict=True)]

    def _count(self, prediction: Prediction) -> int:
        """How many intervals: the same on all ranks."""
        if len(self.num_intervals) == 1:
            return self.num_intervals[0]
        drawn = int(prediction.rng.fork("intervals").pick([0]).integers(0, len(self.num_intervals) - 1))
        return self.num_intervals[from_first(drawn, prediction.x_t.device)]

    def _generate(
        self, prediction: Prediction, x: Latent, of: Tensor, count: int, places: Tensor | None
    ) -> list[Samples]:
        network = prediction.network if self.chunk is None else partial(prediction.network, images=of)

        def step(x: Tensor, *times: Tensor) -> Tensor:
            v: Tensor = _recomputed(network, x, *(t.expand(len(x)) for t in times))
            return v

        solver = self.solver or SOLVERS.build({"type": "FlowMapEuler" if prediction.flow_map else "Euler"})
        x_1 = solver.solve(step, x, self.grid(count)).x
        if prediction.path.keeps_source:
            x_1 = prediction.path.without_source(x_1, prediction.pair.source.mean[of])
        image = _clamped(prediction.decode(x_1)) if needs_images(self.spaces) else None
        return self._samples_of(x_1, image, None if places is None else places[of], prediction)

    def _real(self, prediction: Prediction, rows: Tensor, places: Tensor | None) -> list[Samples]:
        latent, image = prediction.pair.x_1[rows], None
        if needs_images(self.spaces):
            target = prediction.target
            image = prediction.decode(latent).clamp(0, 1) if target is None else target[rows]
        return self._samples_of(latent, image, None if places is None else places[rows], prediction)

    def _samples_of(
        self, latent: Latent, image: Image | None, places: Tensor | None, prediction: Prediction
    ) -> list[Samples]:
        if image is not None and self.shift:
            image = shifted(image, prediction.rng, self.shift)
        return samples_of(self.spaces, latent, image, places)


def _clamped(image: Image) -> Image:
    """Values in [0, 1], with the gradients of values that were not clamped."""
    return image + (image.clamp(0, 1) - image).detach()
