"""The discrepancy of two sets, and the score of draws."""

from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import Tensor

from cfmrestore.ops import mmd

F64 = torch.float64


def features(n: int, d: int = 5, seed: int = 0, shift: float = 0.0) -> Tensor:
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed), dtype=F64) + shift


BY_HAND: dict[str, Callable[[Tensor, Tensor], float]] = {
    "polynomial": lambda p, q: float(p @ q / len(p) + 1) ** 3,
    "rbf": lambda p, q: float(torch.exp(-(p - q).square().sum() / (2 * 1.5**2))),
    "laplace": lambda p, q: float(torch.exp(-(p - q).square().sum().sqrt() / 1.5)),
    "energy": lambda p, q: -float((p - q).square().sum().sqrt()),
}
KERNELS = {
    "polynomial": mmd.polynomial_kernel,
    "rbf": partial(mmd.gaussian_kernel, sigma=1.5),
    "laplace": partial(mmd.laplace_kernel, sigma=1.5),
    "energy": mmd.energy_kernel,
}


@pytest.mark.parametrize("name", sorted(KERNELS))
@pytest.mark.parametrize("paired", [False, True])
def test_a_double_loop_says_the_same(monkeypatch: pytest.MonkeyPatch, name: str, paired: bool) -> None:
    monkeypatch.setattr(mmd, "ROWS", 4)
    x, y, k = features(9), features(9 if paired else 6, seed=1, shift=0.3), BY_HAND[name]
    n, m = len(x), len(y)
    within = sum(k(x[i], x[j]) for i in range(n) for j in range(n) if i != j) / (n * (n - 1))
    within += sum(k(y[i], y[j]) for i in range(m) for j in range(m) if i != j) / (m * (m - 1))
    pairs = [k(x[i], y[j]) for i in range(n) for j in range(m) if i != j or not paired]
    found = mmd.squared_mmd(x, y, KERNELS[name], paired=paired)
    assert float(found) == pytest.approx(within - 2 * sum(pairs) / len(pairs), rel=1e-9)


def test_gaussians_in_closed_form() -> None:
    """E k(x, y) = (s^2 / (s^2 + a^2 + b^2))^(d/2) exp(-|m|^2 / (2 (s^2 + a^2 + b^2))) for N(0, a^2), N(m, b^2)."""
    d, sigma, a, b, shift = 3, 1.5, 1.0, 1.4, 0.5

    def mean(p: float, q: float, m: float) -> float:
        total = sigma**2 + p**2 + q**2
        return (sigma**2 / total) ** (d / 2) * torch.exp(torch.tensor(-d * m**2 / (2 * total), dtype=F64)).item()

    expected = mean(a, a, 0) + mean(b, b, 0) - 2 * mean(a, b, shift)
    kernel = partial(mmd.gaussian_kernel, sigma=sigma)
    values = torch.stack(
        [
            mmd.squared_mmd(a * features(32, d, 2 * s), b * features(32, d, 2 * s + 1) + shift, kernel)
            for s in range(600)
        ]
    )
    error = values.std() / 600**0.5
    assert abs(values.mean() - expected) < 3 * error < 0.2 * expected
    sets = [features(32, d, s) for s in range(1200)]
    same = torch.stack([mmd.squared_mmd(x, y, kernel) for x, y in zip(sets[::2], sets[1::2], strict=True)])
    assert abs(same.mean()) < 3 * same.std() / 600**0.5
    assert same.min() < 0  # unbiased, and no square


def test_pairs_that_belong_together_are_left_out() -> None:
    """Of x_i = y_i, which share all they have, the paired estimate is that of one law: zero in the mean."""
    for x in map(partial(features, 8, 4), range(50)):
        assert abs(mmd.squared_mmd(x, x, paired=True)) < 1e-12
        assert mmd.squared_mmd(x, x) < -0.1


def test_the_energy_distance_of_points() -> None:
    """Of sets at distance D, each in one point: 2 D."""
    x, y = torch.zeros(4, 2, dtype=F64), torch.tensor([[3.0, 4.0]] * 5, dtype=F64)
    assert float(mmd.squared_mmd(x, y, mmd.energy_kernel)) == pytest.approx(10, abs=1e-5)


@pytest.mark.parametrize("name", mmd.KERNELS)
def test_gradients_are_those_of_differences(name: str) -> None:
    x, y = features(5), features(5, seed=1)
    kernel = mmd.kernel_of(name, x, (0.5, 2.0))
    assert torch.autograd.gradcheck(lambda y: mmd.squared_mmd(x, y, kernel), y.clone().requires_grad_())
    equal = x.clone().requires_grad_()
    mmd.squared_mmd(x, equal, kernel).backward()
    assert equal.grad.isfinite().all()


def test_bandwidths_are_in_median_distances() -> None:
    x = torch.tensor([[0.0], [3.0], [4.0]], dtype=F64)
    assert mmd.typical_distance(x) == pytest.approx(3)
    kernel = mmd.kernel_of("rbf", x, (1.0, 2.0))
    by_hand = (torch.exp(torch.tensor(-16 / 18)) + torch.exp(torch.tensor(-16 / 72))) / 2
    assert float(kernel(x[:1], x[2:])) == pytest.approx(float(by_hand), rel=1e-6)
    with pytest.raises(ValueError, match="needs two of them; got 1"):
        mmd.kernel_of("laplace", x[:1], (1.0,))
    with pytest.raises(ValueError, match="are equal"):
        mmd.typical_distance(torch.ones(4, 2))
    with pytest.raises(ValueError, match="one of polynomial, rbf, laplace, energy; got 'cubic'"):
        mmd.kernel_of("cubic", x, ())


def test_patches_of_an_image_are_no_pairs() -> None:
    """The kernel of images is the mean over pairs of their features; of one feature each it is the kernel."""
    x, y = features(24).view(6, 4, 5), features(20, seed=1).view(5, 4, 5)
    values = mmd.of_patches(mmd.polynomial_kernel)(x, y)
    assert float(values[2, 3]) == pytest.approx(float(mmd.polynomial_kernel(x[2], y[3]).mean()))
    whole = mmd.squared_mmd(x[:, :1], y[:, :1], mmd.of_patches(mmd.polynomial_kernel))
    assert torch.allclose(whole, mmd.squared_mmd(x[:, 0], y[:, 0]))


@pytest.mark.parametrize("name", ["rbf", "energy", "laplace"])
def test_the_score_is_lowest_at_the_posterior(name: str) -> None:
    """Input c ~ N(0, 1), truth N(0.8 c, 0.6^2): neither its mean, nor more spread, nor the law of all truths."""
    count, m = 4000, 4
    c, noise, other = features(count, 1), features(count, 1, 1), features(count * m, 1, 2).view(count, m, 1)
    truth, spread = 0.8 * c + 0.6 * noise, 0.6
    laws = {
        "posterior": 0.8 * c[:, None] + spread * other,
        "narrow": 0.8 * c[:, None] + 0.5 * spread * other,
        "mean": 0.8 * c[:, None] + 0 * other,
        "wide": 0.8 * c[:, None] + 1.6 * spread * other,
        "shifted": 0.8 * c[:, None] + 0.3 + spread * other,
        "marginal": other,
    }
    kernel = KERNELS[name]
    score = {law: mmd.kernel_score(y[:, :, None], truth[:, None], kernel) for law, y in laws.items()}
    for law in laws.keys() - {"posterior"}:
        gap = score[law] - score["posterior"]
        assert gap.mean() > 3 * gap.std() / count**0.5, law
    by_hand = [
        sum(BY_HAND[name](y[i], y[j]) for i in range(m) for j in range(m) if i != j) / (m * (m - 1))
        - 2 / m * sum(BY_HAND[name](y[i], x) for i in range(m))
        for y, x in zip(laws["wide"][:3], truth[:3], strict=True)
    ]
    assert score["wide"][:3].tolist() == pytest.approx(by_hand)


def test_a_score_of_places_is_their_mean() -> None:
    y, x = features(24).view(2, 4, 3, 5), features(6, seed=1).view(2, 3, 5)
    each = [mmd.kernel_score(y[:, :, p : p + 1], x[:, p : p + 1]) for p in range(3)]
    assert torch.allclose(mmd.kernel_score(y, x), torch.stack(each).mean(dim=0))
    with pytest.raises(ValueError, match="two draws or more"):
        mmd.kernel_score(y[:, :1], x)
