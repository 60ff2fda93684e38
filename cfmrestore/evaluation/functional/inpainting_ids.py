"""P-IDS and U-IDS: how well a linear classifier separates restored images from real ones."""

import torch
from jaxtyping import Float
from torch import Tensor

_MAX_STEPS = 200
_TOLERANCE = 1e-12  # of the gradient, as a share of a bound on the one at zero


def inception_discriminative_scores(
    real: Float[Tensor, "n d"], fake: Float[Tensor, "m d"], *, penalty: float = 1.0
) -> tuple[float, float]:
    r"""Separate real features from fake ones by a linear support vector machine, and count where it is wrong.

    With the decision :math:`f(x) = w^\top x + b`, positive for real, fitted to all features,

    .. math::
        \text{P-IDS} = \Pr[f(\text{fake}) > f(\text{real partner})], \qquad
        \text{U-IDS} = \tfrac{1}{2} \Pr[f(\text{real}) \le 0] + \tfrac{1}{2} \Pr[f(\text{fake}) > 0]

    Higher is better; where no classifier can do anything, both are at most about a half.

    Reference: Zhao et al., 2021 (arXiv:2103.10428).

    Args:
        real: Features of the targets.
        fake: Features of the restored images, row i from the degraded target i.
        penalty: C in :func:`fit_linear_svm`.
    """
    if len(real) != len(fake):
        raise ValueError(f"each fake needs its real partner; got {len(real)} real and {len(fake)} fake")
    x = torch.cat([real, fake]).double()
    labels = torch.cat([torch.ones(len(real)), -torch.ones(len(fake))]).to(x)
    w, b = fit_linear_svm(x, labels, penalty=penalty)
    decision = x @ w + b
    of_real, of_fake = decision[: len(real)], decision[len(real) :]
    wrong = torch.cat([of_real <= 0, of_fake > 0])
    return float((of_fake > of_real).double().mean()), float(wrong.double().mean())


def fit_linear_svm(
    x: Float[Tensor, "n d"], labels: Float[Tensor, " n"], *, penalty: float = 1.0
) -> tuple[Float[Tensor, " d"], Float[Tensor, ""]]:
    r"""The minimum of scikit-learn's LinearSVC, whose intercept is one more weight, of a feature that is always 1.

    .. math::
        J(w, b) = \tfrac{1}{2} (|w|^2 + b^2) + C \sum_i \max(0, 1 - y_i (w^\top x_i + b))^2

    J is convex and piecewise quadratic: Newton's method with an exact search along each step ends in the quadratic
    piece that holds the minimum after finitely many steps.

    Reference: Fan et al., 2008 (the objective); Keerthi and DeCoste, 2005 (the method).

    Args:
        labels: 1 or -1.
        penalty: C, the weight of the errors.
    """
    x, y, C = x.double(), labels.double(), penalty
    X = torch.cat([x, x.new_ones(len(x), 1)], dim=1)
    w = X.new_zeros(X.shape[1])
    scale = 2 * C * X.norm() * y.norm()
    for _ in range(_MAX_STEPS):
        margin = 1 - y * (X @ w)
        active = margin > 0
        X_a = X[active]
        gradient = w - 2 * C * X_a.T @ (y * margin)[active]
        if gradient.norm() <= _TOLERANCE * scale:
            break
        hessian = 2 * C * X_a.T @ X_a
        hessian.diagonal().add_(1)
        step = -torch.cholesky_solve(gradient[:, None], torch.linalg.cholesky(hessian))[:, 0]
        w = w + _search(w, step, margin, -y * (X @ step), C) * step
    else:
        raise ValueError(f"the support vector machine did not converge in {_MAX_STEPS} steps")
    return w[:-1], w[-1]


def _search(
    w: Float[Tensor, " k"], step: Float[Tensor, " k"], margin: Float[Tensor, " n"], slope: Float[Tensor, " n"], c: float
) -> float:
    """Where along the step J is least: its derivative rises without a jump, so it is found by bisection."""

    def derivative(s: float) -> float:
        return float(w @ step + s * step @ step + 2 * c * ((margin + s * slope).clamp_min(0) @ slope))

    low, high = 0.0, 1.0
    while derivative(high) < 0:
        low, high = high, 2 * high
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if derivative(middle) < 0 else (low, middle)
    return high
