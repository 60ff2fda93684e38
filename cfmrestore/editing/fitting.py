"""Boundaries fitted to encoded images, and the time at which to fit one."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool
from torch import Tensor

from cfmrestore.editing.boundary import Boundary
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
    """A time, the boundary there, and what an edit there is expected to do.

    Args:
        boundary: The boundary.
        flips: Share of held-out images that a move by the strength brings across it.
        error: Relative error of images' latents after the way there and back.
        objective: What is maximized.
    """

    boundary: Boundary
    flips: float
    error: float
    objective: float

    @property
    def time(self) -> float:
        return self.boundary.time


def candidates(
    encoded: Encoded, positive: Bool[Tensor, " n"], *, attribute: str, strength: float = 2.0, **keys: object
) -> list[Candidate]:
    r"""A boundary at each time, in the order of time, with the objective of the mixing time.

    An edit is to bring images across the boundary and to leave all else. Before one is made, both are told by points at
    a time t. With the signed distances d and labels y of held-out images (both classes counting the same), a move by
    k standard deviations s brings over those that stand on their side, not farther away than that,

    .. math:: F(t) = P(0 < y\, d(z_t) < k s) ,

    which grows with what a hyperplane separates. The move along the mean way of points whose distance grows,
    :math:`\delta = k s\, \Sigma n / (n^\top \Sigma n)`, is the one of least Mahalanobis length that changes d by k s,
    and leaves what is uncorrelated with d where it was. What else changes is what the solver loses on the way back and
    forward: an error of relative size R(t). Spread evenly over all directions it displaces any other attribute, in
    units of its standard deviation, by a number of variance :math:`R^2`, and a normal number that is displaced so
    changes its sign with probability :math:`\arctan(R) / \pi`. The mixing time maximizes

    .. math:: J(t) = F(t) - \arctan(R(t)) / \pi .

    Args:
        encoded: Points at all times, and errors.
        positive: Which images have the attribute.
        attribute: Its name.
        strength: k.
        keys: As of ``fit_boundary``.
    """
    held = held_out_rows(positive)
    found = []
    for time in sorted(encoded.points):
        points = encoded.points[time]
        boundary = fit_boundary(points, positive, attribute=attribute, time=time, **keys)  # type: ignore[arg-type]
        flips = flipped(boundary, points[held], positive[held], strength)
        error = float(encoded.errors[time].mean()) if time in encoded.errors else 0.0
        found.append(Candidate(boundary, flips, error, flips - math.atan(error) / math.pi))
    return found


def flipped(boundary: Boundary, points: Tensor, positive: Bool[Tensor, " n"], strength: float) -> float:
    """The share of both classes that stands on its side, and that a move by so much brings across."""
    distance = boundary.distance(points) / boundary.std
    depth = torch.where(positive, distance, -distance)
    across = (depth > 0) & (depth < strength)
    return float(across[positive].double().mean() + across[~positive].double().mean()) / 2


def mixing_time(found: Sequence[Candidate]) -> Candidate:
    """The candidate of the highest objective; of equal ones the latest, from which the way is shortest."""
    return max(found, key=lambda one: (round(one.objective, 6), one.time))
