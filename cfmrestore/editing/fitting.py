"""Boundaries fitted to encoded images, and the time at which to fit one."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool
from torch import Tensor

from cfmrestore.editing.boundary import Boundary, displacement
from cfmrestore.editing.encoding import Encoded
from cfmrestore.editing.separator import balanced_accuracy, fit_separator
from cfmrestore.typing import Features

DIRECTIONS = ("regression", "normal")
_EVERY = 4  # of each class, the first of so many is held out


def held_out_rows(positive: Bool[Tensor, " n"]) -> Bool[Tensor, " n"]:
    """Of each class every fourth image, on which a boundary is tested."""
    held = torch.zeros_like(positive)
    for side in (positive, ~positive):
        held[side] = torch.arange(int(side.sum())) % _EVERY == 0
    return held


def fit_boundary(
    points: Features,
    positive: Bool[Tensor, " n"],
    *,
    attribute: str,
    time: float,
    direction: str = "regression",
    space: str = "latent",
    model: str = "",
    guidance: float = 1.0,
) -> Boundary:
    """The boundary between points with and without an attribute; its accuracy is that on the rows held out.

    Args:
        points: Of images at one time.
        positive: Which of them have the attribute.
        attribute: Its name.
        time: The time.
        direction: "regression", the mean way of points whose distance grows; "normal", the normal.
        space: Which points they are.
        model: Digest of the flow's weights.
        guidance: With which images were encoded.
    """
    if direction not in DIRECTIONS:
        raise ValueError(f"direction is one of {', '.join(DIRECTIONS)}; got {direction!r}")
    held, flat = held_out_rows(positive), points.flatten(1)
    rows, labels = flat[~held].double(), positive[~held]
    separator = fit_separator(rows, labels)
    weights = torch.where(labels, 0.5 / labels.sum(), 0.5 / (~labels).sum()).double()
    distance = separator.distance(rows)
    centered = distance - weights @ distance
    variance = weights @ centered**2
    way = separator.normal
    if direction == "regression":
        way = rows.T @ (weights * centered) / variance  # of points whose mean counts both classes the same
    return Boundary(
        normal=separator.normal.view(points.shape[1:]).float(),
        direction=way.view(points.shape[1:]).float(),
        intercept=separator.intercept,
        std=float(variance.sqrt()),
        time=time,
        attribute=attribute,
        accuracy=balanced_accuracy(separator.distance(flat[held]), positive[held]),
        space=space,
        model=model,
        guidance=guidance,
    )


@dataclass(frozen=True)
class Candidate:
    """A time, the boundary there, and what an edit there does.

    Args:
        boundary: The boundary.
        flips: Share of the images tried that end across the boundary of the data.
        changes: Mean share of them that change their side of other attributes' boundaries.
        error: Relative error of images' latents after the way there and back.
        trial: How many images were tried.
    """

    boundary: Boundary
    flips: float
    changes: float
    error: float
    trial: int

    @property
    def time(self) -> float:
        return self.boundary.time

    @property
    def objective(self) -> float:
        """What the mixing time maximizes."""
        return self.flips - self.changes - math.atan(self.error) / math.pi


def candidates(
    encoded: Encoded,
    positive: Bool[Tensor, " n"],
    walk: Callable[[Tensor, Tensor, float], Tensor],
    *,
    attribute: str,
    strength: float = 2.0,
    trial: int = 128,
    others: Mapping[str, Tensor] | None = None,
    direction: str = "regression",
    model: str = "",
    guidance: float = 1.0,
) -> list[Candidate]:
    r"""A boundary at each time, in the order of time, with the objective of the mixing time.

    An edit is to bring images across the boundary and to leave all else. What a hyperplane at t says of the points
    there does not tell it: a flow bends what it carries, and of points that were moved across at an early time many
    end on the side where they were. So some images that were held out are moved at t by k standard deviations and
    walked to t = 1, where boundaries of the data (fitted to the encoded images themselves) judge them. With the signed
    distances :math:`d^1` of the attribute and :math:`d^1_j` of others that are known, both classes counting the same,

    .. math::
        F(t) = P(y\, d^1(x_1) > 0 > y\, d^1(x_1')), \qquad
        U(t) = \tfrac{1}{m} \sum_j P(d^1_j(x_1)\, d^1_j(x_1') < 0) .

    What the solver loses on the way back and forward, an error of relative size R(t), changes the picture too. Spread
    evenly over all directions it displaces any attribute, in units of its standard deviation, by a number of variance
    :math:`R^2`, and a normal number that is displaced so changes its sign with probability
    :math:`\arctan(R) / \pi`. The mixing time maximizes

    .. math:: J(t) = F(t) - U(t) - \arctan(R(t)) / \pi ,

    as far as the images tried tell times apart (``mixing_time``).

    Args:
        encoded: Points at all times and at t = 1, of latents, and errors.
        positive: Which images have the attribute.
        walk: The points at t = 1 of images (their rows, points and the time of these).
        attribute: Its name.
        strength: k.
        trial: How many images are tried at a time, half of each class.
        others: Which images have other attributes, by name.
        direction: As of ``fit_boundary``, like the others.
        model: Digest of the flow's weights.
        guidance: With which images were encoded.
    """
    ends = encoded.points[1.0]
    judge = fit_boundary(ends, positive, attribute=attribute, time=1.0)
    of_others = [fit_boundary(ends, other, attribute=name, time=1.0) for name, other in (others or {}).items()]
    held = held_out_rows(positive)
    sides = [(held & side).nonzero().flatten()[: max(1, trial // 2)] for side in (positive, ~positive)]
    rows = torch.cat(sides)
    found = []
    for time in sorted(set(encoded.points) - {1.0}):
        points = encoded.points[time]
        boundary = fit_boundary(
            points, positive, attribute=attribute, time=time, direction=direction, model=model, guidance=guidance
        )
        away = torch.where(positive[rows], -1.0, 1.0) * strength * boundary.std
        moved = walk(rows, points[rows] + displacement([boundary], away[None]), time)
        error = float(encoded.errors[time].mean()) if time in encoded.errors else 0.0
        flips = _crossed(judge, ends[rows], moved, positive[rows])
        changes = [float((one.distance(ends[rows]) * one.distance(moved) < 0).double().mean()) for one in of_others]
        found.append(Candidate(boundary, flips, sum(changes) / max(1, len(changes)), error, len(rows)))
    return found


def _crossed(judge: Boundary, before: Tensor, after: Tensor, positive: Bool[Tensor, " n"]) -> float:
    """The share of both classes that stood on its side and stands on the other."""
    sign = torch.where(positive, 1.0, -1.0)
    across = (sign * judge.distance(before) > 0) & (sign * judge.distance(after) < 0)
    return float(across[positive].double().mean() + across[~positive].double().mean()) / 2


def mixing_time(found: Sequence[Candidate]) -> Candidate:
    """The earliest candidate whose objective lies within a standard error of the highest.

    So many images tell no finer difference, and the earlier an edit, the more the flow still makes of it: near t = 1 it
    lies on the picture like a shadow, which boundaries of the data do not see.
    """
    best = max(found, key=lambda one: one.objective)
    share = (best.flips * best.trial + 1) / (best.trial + 2)  # also where all of them or none end across
    margin = math.sqrt(share * (1 - share) / best.trial)
    return min((one for one in found if one.objective >= best.objective - margin), key=lambda one: one.time)
