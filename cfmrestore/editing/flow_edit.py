"""FlowEdit: from an image of one condition to one of another, by the difference of their velocities."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from cfmrestore.conditions import ConditionInputs, ConditionStack
from cfmrestore.couplings.source import draw_source
from cfmrestore.editing.edit import CountedNetwork, Edit, Guidance, check_settings, ends_of
from cfmrestore.execution import Execution
from cfmrestore.flows import CouplingFlow
from cfmrestore.flows.guided import guided_velocity
from cfmrestore.guidance.classifier_free import guidance_weights, scales_of, stack_rows
from cfmrestore.ops.broadcast import expand_as
from cfmrestore.ops.rng import ImageRng
from cfmrestore.solvers import Euler
from cfmrestore.typing import Conditioning, Image, Latent, Seeds, Time, Velocity


@dataclass(frozen=True, kw_only=True)
class FlowEdit:
    """Settings of ``flow_edit``.

    Args:
        steps: Intervals T of the grid.
        n_max: How many of them are walked, the last ones: fewer keep more of the image. By default 6 of 7.
        n_min: How many of these, at the end, sample the target alone, which leaves the image more freely.
        n_avg: Draws of noise an interval, over which the difference is averaged.
        source_guidance: Scale of classifier-free guidance under the source condition.
        target_guidance: The same under the target condition; more than the source's strengthens the edit.
    """

    steps: int = 28
    n_max: int | None = None
    n_min: int = 0
    n_avg: int = 1
    source_guidance: Guidance = 1.0
    target_guidance: Guidance = 1.0

    def __post_init__(self) -> None:
        check_settings("FlowEdit", self.steps)
        if not 0 <= self.n_min <= self.walked <= self.steps or self.walked < 1 or self.n_avg < 1:
            got = f"n_min={self.n_min}, n_max={self.n_max}, steps={self.steps}, n_avg={self.n_avg}"
            raise ValueError(f"FlowEdit needs 0 <= n_min <= n_max <= steps, n_max and n_avg of 1 or more; got {got}")

    @property
    def walked(self) -> int:
        """Intervals that are walked."""
        return max(round(6 * self.steps / 7), self.n_min, 1) if self.n_max is None else self.n_max


@torch.no_grad()
def flow_edit(
    flow: CouplingFlow,
    image: Image,
    seeds: Seeds,
    source: Mapping[str, Tensor],
    target: Mapping[str, Tensor],
    settings: FlowEdit | None = None,
    *,
    execution: Execution | None = None,
) -> Edit:
    r"""Images as they would be under another condition, without training and without inversion.

    Where noise leads under the source condition and where it leads under the target condition differ by the edit. It
    is walked on the image's side, from :math:`z = x_1` on, with the same noise in both terms, drawn anew at each step:

    .. math::
        x_t^{src} &= \alpha_t x_1 + \sigma_t x_0, \qquad x_0 \sim \text{law of the source} \\
        x_t^{tar} &= z + x_t^{src} - x_1 \\
        z &\leftarrow z + h\, \bigl\langle v(x_t^{tar}, t, c_{tar}) - v(x_t^{src}, t, c_{src}) \bigr\rangle

    with the mean over n_avg draws. Equal conditions under equal guidance leave the image as it is. Both velocities are
    one call of the network. The last n_min intervals carry :math:`x_t^{tar}` along :math:`v(\cdot, c_{tar})` instead.

    Reference: Kulikov et al., 2025 (arXiv:2412.08629), there on the straight path from white noise, with
    28 steps of which 24 are walked, and scales 1.5 and 5.5 for FLUX. The draws of a path that starts at an input are of
    the law of that start.

    Args:
        flow: The flow; its sampling says which grid.
        image: The images.
        seeds: One an image, which decides its noise.
        source: What the flow is given of the images as they are: "label", "map"; with "low" and "mask", if it restores.
        target: What it is given of them as they shall be; what is not named stays.
        settings: How to walk.
        execution: How networks are run.
    """
    settings = settings or FlowEdit()
    pipeline = flow.pipeline(replace(flow.sampling, noise=1.0), execution)
    ends = ends_of(flow, pipeline, image, seeds, source, target)
    inputs = pipeline.told_otherwise(ends, target)
    network = CountedNetwork(pipeline, ends)
    sides = (
        _Side.of(flow.conditions, ends.inputs, settings.source_guidance),
        _Side.of(flow.conditions, inputs, settings.target_guidance),
    )
    difference = _Difference(network, *sides, settings.n_avg)
    grid = flow.sampling.grid(settings.steps)[-1 - settings.walked :].to(ends.x_1)
    x_1 = z = ends.x_1
    rng = pipeline.sampling.fork(ImageRng(seeds))

    def noised(index: int, t: Time, draw: int) -> Latent:
        stream = rng.fork(f"flow_edit {settings.steps - settings.walked + index} {draw}")
        x_0 = draw_source(ends.source.mean, ends.source.std, stream).x_0
        return flow.path.sample(x_0, x_1, t)[0]

    switch = settings.walked - settings.n_min
    for index in range(switch):
        t, h = grid[index], grid[index + 1] - grid[index]
        x_src = torch.cat([noised(index, t, draw) for draw in range(settings.n_avg)])
        z = z + h * difference(x_src, (z - x_1).repeat(settings.n_avg, 1, 1, 1) + x_src, t)
    if settings.n_min:
        names = flow.conditions.droppable
        velocity = guided_velocity(
            flow.conditions, inputs, network, guidance=settings.target_guidance, interval=(0.0, 1.0), names=names
        )
        x_tar = z + noised(switch, grid[switch], 0) - x_1
        z = flow.path.without_source(Euler().solve(velocity, x_tar, grid[switch:]).x, ends.source.mean)
    return network.edit(z, image)


@dataclass(frozen=True)
class _Side:
    """What the network is told on one side: a row for each weight of its guidance."""

    rows: Sequence[Conditioning]
    weights: Sequence[float]

    @classmethod
    def of(cls, conditions: ConditionStack, inputs: ConditionInputs, guidance: Guidance) -> "_Side":
        names = conditions.droppable
        weights = guidance_weights(scales_of(guidance, names))
        dropped = [names[index:] for index, weight in enumerate(weights) if weight]
        return cls(conditions.embed_rows(inputs, dropped), [weight for weight in weights if weight])

    def agrees(self, other: "_Side") -> Tensor | bool:
        """For each image, whether the other side is told the same."""
        if self.weights != other.weights:
            return False
        pairs = [(row[key], told[key]) for row, told in zip(self.rows, other.rows, strict=True) for key in row]
        return torch.stack([(a == b).flatten(1).all(1) for a, b in pairs]).all(0) if pairs else True


class _Difference:
    """The velocity under the target less that under the source, of all rows and draws by one call of the network."""

    def __init__(self, network: CountedNetwork, source: _Side, target: _Side, draws: int) -> None:
        self.draws, self.agrees = draws, source.agrees(target)
        self.weights = [*(-weight for weight in source.weights), *target.weights]
        self.sources = len(source.rows)
        rows = [{key: torch.cat([v] * draws) for key, v in row.items()} for row in (*source.rows, *target.rows)]
        self.velocity: Velocity = network(stack_rows(rows))

    def __call__(self, x_src: Tensor, x_tar: Tensor, t: Time) -> Latent:
        points = [x_src] * self.sources + [x_tar] * (len(self.weights) - self.sources)
        rows = self.velocity(torch.cat(points), t).chunk(len(points))
        total = torch.stack([weight * row for weight, row in zip(self.weights, rows, strict=True)]).sum(0)
        mean = total.unflatten(0, (self.draws, -1)).mean(0)
        # Where a row stands in a batch decides how it is rounded: what is the same on both sides cancels exactly here.
        same = self.agrees if isinstance(self.agrees, Tensor) else torch.tensor(self.agrees).expand(len(mean))
        return torch.where(expand_as(same.to(mean.device), mean), 0, mean)
