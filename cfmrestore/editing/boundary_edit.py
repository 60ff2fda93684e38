"""Edits across boundaries: back to the time of a boundary, a step along its normal, and forward again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from cfmrestore.editing.boundary import Boundary, displacement, weights_digest
from cfmrestore.editing.encoding import features_at
from cfmrestore.execution import Execution
from cfmrestore.flows import CouplingFlow, Sampling
from cfmrestore.flows.trajectory import Trajectory, relative_rms
from cfmrestore.guidance import BottleneckShift
from cfmrestore.typing import Image, Latent, Seeds, Velocity

_NEAR = 1e-6  # between times that are the same


@dataclass(frozen=True)
class BoundaryEdit:
    """Images at one strength.

    Args:
        strengths: Of each boundary that was moved along, in standard deviations of the distance.
        image: The images.
        latent: The latents that they were decoded from.
        distances: By name of ``names_of``, where the images stood before and stand after, in standard deviations.
        nfe: Evaluations of the network, of the way back and forward.
    """

    strengths: tuple[float, ...]
    image: Tensor
    latent: Tensor
    distances: dict[str, tuple[Tensor, Tensor]]
    nfe: int

    @property
    def strength(self) -> float:
        """That of the first boundary."""
        return self.strengths[0]


@dataclass(frozen=True)
class BoundaryEdits:
    """Images at several strengths, and the relative error of their latents after the way there and back, unedited."""

    edits: list[BoundaryEdit]
    error: Tensor


@torch.no_grad()
def boundary_edit(
    flow: CouplingFlow,
    image: Image,
    seeds: Seeds,
    boundaries: Sequence[Boundary],
    strengths: Sequence[float | Sequence[float]],
    *,
    keep: Sequence[Boundary] = (),
    to_value: bool = False,
    until: float = 1.0,
    sampling: Sampling | None = None,
    given: Mapping[str, Tensor] | None = None,
    execution: Execution | None = None,
) -> BoundaryEdits:
    r"""Move images across boundaries.

    At the time :math:`t_m` of a boundary the point of an image is moved once along its direction a,

    .. math:: z' = z + k s\, a, \qquad \text{or to a value} \quad z' = z + (k s - d(z))\, a ,

    by k standard deviations s of the signed distance; the flow then leads it on to an image. Boundaries of one time are
    not orthogonal: ``displacement`` changes the distances from all of them and from those that are kept as is asked.
    Nor are those of several times: what moves before did to the distance of another attribute that is moved or kept is
    taken back at its time, where d(z) is that of the point of the unedited image. What lies in the network's bottleneck
    is moved at every evaluation from :math:`t_m` on. An attribute may have a boundary in each space, as in the paper,
    and at several times, whose moves add up.

    Reference: Zhu et al., 2023, section 4 (arXiv:2302.08357); here with the intercept, and in standard deviations.

    Args:
        flow: The flow whose points the boundaries are of.
        image: The images.
        seeds: One an image.
        boundaries: What is moved along; several times are passed in turn.
        strengths: k of all boundaries, or one each; a result for each.
        keep: Boundaries whose distances stay, each of a time and space of one that is moved along.
        to_value: Move to the distance k s, not by it.
        until: Last time at which a bottleneck is moved.
        sampling: Solver and intervals; the guidance is the boundaries'.
        given: What conditions are given.
        execution: How networks are run.
    """
    check_boundaries(flow, boundaries, keep)
    sampling = replace(sampling or flow.sampling, guidance=guidance_of(flow, (*boundaries, *keep)))
    paths = flow.pipeline(sampling, execution).trajectory(image, seeds, given)
    walk = _Walk(flow, paths, boundaries, keep, until)
    asked = [tuple(map(float, s if isinstance(s, Sequence) else [s] * len(boundaries))) for s in strengths]
    if wrong := [several for several in asked if len(several) != len(boundaries)]:
        raise ValueError(f"one strength for all boundaries or one each; got {wrong[0]} for {len(boundaries)}")
    start = paths.encode(walk.times[0])
    unedited = walk.forward(start.x, [0.0] * len(boundaries))
    edits = []
    for several in asked:
        if not any(several) and not to_value:
            moved, distances, nfe = unedited
        else:
            moved, distances, nfe = walk.forward(start.x, several, to_value=to_value, unedited=unedited[1])
        total = paths.nfe + start.nfe + nfe
        edits.append(BoundaryEdit(several, paths.images(moved), moved, distances, total))
    return BoundaryEdits(edits, relative_rms(unedited[0], paths.x_1))


def check_boundaries(flow: CouplingFlow, boundaries: Sequence[Boundary], keep: Sequence[Boundary] = ()) -> None:
    """Refuse boundaries that do not belong to a flow, or not to each other."""
    if not boundaries:
        raise ValueError("an edit needs a boundary or more to move along")
    digest = flow_digest(flow)
    for one in (*boundaries, *keep):
        if one.model and one.model != digest:
            raise ValueError(
                f"the boundary of {one.attribute!r} is of another model ({one.model}; this one is {digest}): fit it to "
                "this one with cfmrestore fit-boundary"
            )
    groups = {(one.time, one.space) for one in boundaries}
    for one in keep:
        if (one.time, one.space) not in groups:
            raise ValueError(
                f"{one.attribute!r} is kept at time {one.time:g} in the {one.space}, where nothing is moved: fit its "
                "boundary at the time of one that is"
            )
    names = names_of((*boundaries, *keep))
    if len(set(names)) < len(names):
        raise ValueError(f"every attribute once in a space and at a time; got {', '.join(names)}")


def names_of(boundaries: Sequence[Boundary]) -> list[str]:
    """Their attributes, with space and time where an attribute has several boundaries."""
    attributes = [one.attribute for one in boundaries]
    return [
        one.attribute if attributes.count(one.attribute) == 1 else f"{one.attribute} ({one.space} at {one.time:g})"
        for one in boundaries
    ]


def guidance_of(flow: CouplingFlow, boundaries: Sequence[Boundary]) -> float:
    """The scale of guidance with which points were encoded, the same for all."""
    scales = {one.guidance for one in boundaries}
    if len(scales) > 1:
        raise ValueError(f"boundaries of one edit were fitted under one guidance; got {sorted(scales)}")
    return scales.pop() if flow.conditions.droppable else 1.0


def flow_digest(flow: CouplingFlow) -> str:
    """A fingerprint of the weights by which images are encoded."""
    return weights_digest(flow.network, flow.conditions)


class _Walk:
    """The way from the first boundary's time to t = 1, with its moves."""

    def __init__(
        self,
        flow: CouplingFlow,
        paths: Trajectory,
        boundaries: Sequence[Boundary],
        keep: Sequence[Boundary],
        until: float,
    ) -> None:
        self.flow, self.paths, self.until = flow, paths, until
        self.moved, self.all = len(boundaries), (*boundaries, *keep)
        self.times = sorted({one.time for one in boundaries})
        self.names = names_of(self.all)

    def forward(
        self,
        x: Latent,
        strengths: Sequence[float],
        *,
        to_value: bool = False,
        unedited: Mapping[str, tuple[Tensor, Tensor]] | None = None,
    ) -> tuple[Tensor, dict[str, tuple[Tensor, Tensor]], int]:
        """The point at t = 1, what was moved from where to where, and evaluations.

        Args:
            unedited: What the way without moves has told.
        """
        velocity: Velocity = self.paths.velocity
        told: dict[str, tuple[Tensor, Tensor]] = {}
        nfe, earlier = 0, set[str]()
        for time, end in zip(self.times, [*self.times[1:], 1.0], strict=True):
            for space in ("latent", "bottleneck"):
                numbers = [n for n, one in enumerate(self.all) if one.time == time and one.space == space]
                if not numbers:
                    continue
                group = [self.all[n] for n in numbers]
                points = x if space == "latent" else features_at(self.flow.network, velocity, x, time)
                nfe += space == "bottleneck"
                here = torch.stack([one.distance(points) for one in group])
                std = torch.tensor([one.std for one in group]).to(here)[:, None]
                asked = torch.tensor([strengths[n] if n < self.moved else 0.0 for n in numbers]).to(here)[:, None] * std
                before = here.clone()
                for row, n in enumerate(numbers):
                    asks = n >= self.moved or strengths[n] or to_value
                    if unedited is not None and asks and self.all[n].attribute not in earlier:
                        before[row] = unedited[self.names[n]][0] * std[row]
                moved = torch.tensor([n < self.moved for n in numbers], device=here.device)[:, None]
                after = asked + (before * ~moved if to_value else before)
                shift = displacement(group, after - here)
                earlier |= {self.all[n].attribute for n in numbers if n < self.moved and (strengths[n] or to_value)}
                if space == "latent":
                    x = x + shift.to(x)
                else:
                    velocity = BottleneckShift(velocity, self.flow.network, shift, (time - _NEAR, self.until))
                for n, d, d_after, s in zip(numbers, before, after, std, strict=True):
                    told[self.names[n]] = (d / s, d_after / s)
            solution = self.paths.walk(x, time, end, velocity)
            x, nfe = solution.x, nfe + solution.nfe
        return x, told, nfe
