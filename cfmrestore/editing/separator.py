"""Linear separator: logistic regression with its penalty chosen by cross-validation."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional as F

PENALTIES = tuple(10.0**power for power in range(-5, 2))
_FOLDS = 5
_NEWTON_STEPS = 30
_CONVERGED = 1e-7


@dataclass(frozen=True)
class Separator:
    """The hyperplane <x, n> + b = 0 with a unit normal n, on whose positive side the attribute is.

    Args:
        normal: n.
        intercept: b.
        penalty: The penalty of its weights that was chosen.
    """

    normal: Tensor
    intercept: float
    penalty: float

    def distance(self, points: Float[Tensor, "n d"]) -> Float[Tensor, " n"]:
        """Signed distances."""
        return points.to(self.normal) @ self.normal + self.intercept


def fit_separator(
    points: Float[Tensor, "n d"], positive: Bool[Tensor, " n"], penalties: Sequence[float] = PENALTIES
) -> Separator:
    r"""Logistic regression in which both classes count the same,

    .. math::
        \min_{w, b}\; \sum_i c_i \log(1 + e^{-y_i (\langle x_i, w \rangle + b)}) + \frac{\lambda}{2} \|w\|^2,
        \qquad c_i = \frac{1}{2 n_{y_i}},

    of points brought to a mean squared length of 1 around their mean. The minimum lies in the span of the points and
    does not depend on a rotation: it is sought by Newton's method in the coordinates of their principal axes, of which
    there are no more than points, whatever the dimension. The penalty :math:`\lambda` is the one of the least loss on
    points that were left out, of five parts in turn.

    Args:
        points: One a row.
        positive: Which of them have the attribute.
        penalties: Candidates.
    """
    counts = (int(positive.sum()), int((~positive).sum()))
    if min(counts) < 2 * _FOLDS:
        raise ValueError(
            f"a boundary is fitted to {2 * _FOLDS} images or more on each side; got {counts[0]} with the attribute and "
            f"{counts[1]} without"
        )
    flat = points.double()
    mean = flat.mean(dim=0)
    centered = flat - mean
    scale = centered.square().sum(dim=1).mean().sqrt()
    if float(scale) == 0:
        raise ValueError("all points are the same: there is nothing to separate")
    gram = centered @ centered.T / scale**2
    values, vectors = torch.linalg.eigh(gram)
    kept = values > 1e-10 * values[-1]
    values, vectors = values[kept].sqrt(), vectors[:, kept]
    coordinates = vectors * values  # of the points along their principal axes
    penalty = _cross_validated(coordinates, positive, penalties)
    w, b = _logistic(coordinates, positive, penalty)
    direction = centered.T @ (vectors @ (w / values)) / scale  # back from those axes
    length = direction.norm()
    normal = direction / length
    intercept = float(b * scale / length - mean @ normal)
    return Separator(normal, intercept, penalty)


def balanced_accuracy(distance: Float[Tensor, " n"], positive: Bool[Tensor, " n"]) -> float:
    """The mean of both classes' shares on their side of a boundary."""
    right = (distance > 0) == positive
    return float(right[positive].double().mean() + right[~positive].double().mean()) / 2


def _cross_validated(x: Tensor, positive: Tensor, penalties: Sequence[float]) -> float:
    if len(penalties) == 1:
        return penalties[0]
    fold = torch.empty(len(x), dtype=torch.long)
    for side in (positive, ~positive):  # of each class as many in every part
        fold[side] = torch.arange(int(side.sum())) % _FOLDS
    losses = dict.fromkeys(sorted(penalties, reverse=True), 0.0)
    for part in range(_FOLDS):
        rest, out = fold != part, fold == part
        found = None  # a heavier penalty's, from which the next one's is near
        for penalty in losses:
            found = _logistic(x[rest], positive[rest], penalty, found)
            logits = x[out] @ found[0] + found[1]
            losses[penalty] += float((_weights(positive[out]) * _losses(logits, positive[out])).sum())
    return min(losses, key=losses.__getitem__)


def _logistic(
    x: Tensor, positive: Tensor, penalty: float, start: tuple[Tensor, Tensor] | None = None
) -> tuple[Tensor, Tensor]:
    """Weights and intercept by damped Newton steps; the intercept is not penalized."""
    with_one = torch.cat([x, torch.ones_like(x[:, :1])], dim=1)
    c, y = _weights(positive), positive.to(x)
    ridge = torch.full_like(with_one[0], penalty)
    ridge[-1] = 0

    def objective(w: Tensor) -> Tensor:
        return (c * _losses(with_one @ w, positive)).sum() + (ridge * w**2).sum() / 2

    w = torch.zeros_like(with_one[0]) if start is None else torch.cat([start[0], start[1][None]])
    value = objective(w)
    for _ in range(_NEWTON_STEPS):
        p = (with_one @ w).sigmoid()
        gradient = with_one.T @ (c * (p - y)) + ridge * w
        hessian = (with_one * (c * p * (1 - p))[:, None]).T @ with_one + torch.diag(ridge + 1e-12)
        step = torch.linalg.solve(hessian, gradient)
        share = 1.0
        while objective(w - share * step) > value and share > 1e-4:
            share /= 2
        w = w - share * step
        before, value = value, objective(w)
        if float(before - value) <= _CONVERGED * float(before):
            break
    return w[:-1], w[-1]


def _weights(positive: Tensor) -> Tensor:
    share = positive.double().mean()
    return torch.where(positive, 0.5 / share, 0.5 / (1 - share)) / len(positive)


def _losses(logits: Tensor, positive: Tensor) -> Tensor:
    return F.binary_cross_entropy_with_logits(logits, positive.to(logits), reduction="none")
