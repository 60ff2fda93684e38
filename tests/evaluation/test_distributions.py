"""Distances of sets of features against closed forms, naive loops and reference implementations."""

import math
from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
import torch
from torch import Tensor

from cfmrestore.evaluation.functional import frechet, inpainting_ids
from cfmrestore.evaluation.functional.frechet import Gaussian, GaussianSums, frechet_distance
from cfmrestore.evaluation.functional.inception_score import inception_score
from cfmrestore.evaluation.functional.inpainting_ids import fit_linear_svm, inception_discriminative_scores
from cfmrestore.evaluation.functional.kernel_distance import gaussian_kernel, kid, mmd, polynomial_kernel
from cfmrestore.evaluation.functional.precision_recall import precision_recall


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def gaussian(x: Tensor) -> Gaussian:
    sums = GaussianSums(x.shape[1])
    sums.update(x)
    return sums.mean_and_covariance()


def positive(dim: int, seed: int) -> Tensor:
    root = normal(dim, dim, seed=seed).double()
    return root @ root.T + 0.1 * torch.eye(dim, dtype=torch.float64)


class TestFrechet:
    def test_sums_are_numpys_mean_and_covariance(self) -> None:
        x = 3 + normal(50, 7)
        mean, covariance = gaussian(x)
        assert np.allclose(mean, x.double().mean(dim=0), rtol=0, atol=1e-12)
        assert np.allclose(covariance, np.cov(x.double().numpy(), rowvar=False), rtol=0, atol=1e-12)
        with pytest.raises(ValueError, match="two features or more; got 1"):
            gaussian(x[:1])
        with pytest.raises(ValueError, match="length 7; got 6"):
            GaussianSums(7).update(x[:, :6])
        with pytest.raises(ValueError, match="length 6 to sums of length 7"):
            GaussianSums(7).merge(GaussianSums(6))

    @pytest.mark.parametrize("sizes", [(50,), (1, 49), (20, 0, 30), (7,) * 7 + (1,)])
    def test_splits_merge_into_the_whole(self, sizes: tuple[int, ...]) -> None:
        x = normal(50, 7)
        whole, merged = GaussianSums(7), GaussianSums(7)
        whole.update(x)
        for part in x.split(list(sizes)):
            sums = GaussianSums(7)
            sums.update(part)
            merged.merge(sums)
        for name in ("count", "sum", "outer"):
            assert getattr(merged, name).dtype == torch.float64
            assert torch.allclose(getattr(merged, name), getattr(whole, name), rtol=1e-13, atol=1e-13)

    def test_closed_forms(self) -> None:
        self.check_closed_forms(frechet_distance)

    def check_closed_forms(self, distance: Callable[[Gaussian, Gaussian], float]) -> None:
        mu_a, mu_b = normal(2, 5).double()
        # Diagonal: the squared distance of the standard deviations.
        a, b = normal(2, 5, seed=1).double().abs()
        expected = (mu_a - mu_b).square().sum() + (a - b).square().sum()
        laws = Gaussian(mu_a, a.square().diag()), Gaussian(mu_b, b.square().diag())
        assert math.isclose(distance(*laws), expected, rel_tol=1e-12)
        # Commuting, that is of the same eigenvectors.
        Q = torch.linalg.qr(normal(5, 5, seed=2).double()).Q
        laws = Gaussian(mu_a, (Q * a.square()) @ Q.T), Gaussian(mu_b, (Q * b.square()) @ Q.T)
        assert math.isclose(distance(*laws), expected, rel_tol=1e-12)

    def test_the_closed_forms_reject_mutants(self) -> None:
        def without_roots(a: Gaussian, b: Gaussian) -> float:
            product = (a.covariance @ b.covariance).trace()
            return float((a.mean - b.mean).square().sum() + (a.covariance + b.covariance).trace() - 2 * product)

        def unsquared_mean(a: Gaussian, b: Gaussian) -> float:
            step = (a.mean - b.mean).square().sum()
            return frechet_distance(a, b) - float(step) + float(step.sqrt())

        for mutant in (without_roots, unsquared_mean):
            with pytest.raises(AssertionError):
                self.check_closed_forms(mutant)

    def test_equal_to_scipys_matrix_root(self) -> None:
        linalg = pytest.importorskip("scipy.linalg")
        A, B = positive(20, 1), positive(20, 2)
        mu_a, mu_b = normal(2, 20).double()
        root = linalg.sqrtm((A @ B).numpy()).real
        expected = float((mu_a - mu_b).square().sum() + A.trace() + B.trace()) - 2 * np.trace(root)
        assert math.isclose(frechet_distance(Gaussian(mu_a, A), Gaussian(mu_b, B)), expected, rel_tol=1e-10)

    def test_of_few_images_it_is_zero_for_equal_and_symmetric(self) -> None:
        a, b = gaussian(normal(10, 64)), gaussian(normal(12, 64, seed=1))
        assert abs(frechet_distance(a, a)) < 1e-10
        assert math.isclose(frechet_distance(a, b), frechet_distance(b, a), rel_tol=1e-10)
        assert frechet_distance(a, b) > 1
        assert frechet._root(a.covariance).isfinite().all()


def naive_mmd(x: Tensor, y: Tensor, kernel, unbiased: bool) -> float:
    def mean(a: Tensor, b: Tensor, skip: bool) -> float:
        values = [kernel(p, q) for i, p in enumerate(a) for j, q in enumerate(b) if not (skip and i == j)]
        return sum(values) / len(values)

    return mean(x, x, unbiased) + mean(y, y, unbiased) - 2 * mean(x, y, False)


KERNELS = {
    "polynomial": (polynomial_kernel, lambda p, q: float(p @ q / len(p) + 1) ** 3),
    "gaussian": (
        partial(gaussian_kernel, sigma=2.0),
        lambda p, q: math.exp(-float((p - q).square().sum()) / (2 * 2.0**2)),
    ),
}


class TestKernelDistance:
    @pytest.mark.parametrize("unbiased", [True, False])
    @pytest.mark.parametrize("name", sorted(KERNELS))
    def test_equal_to_a_double_loop(self, name: str, unbiased: bool, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("cfmrestore.ops.mmd.ROWS", 4)
        x, y = normal(9, 5).double(), 0.5 + normal(14, 5, seed=1).double()
        kernel, naive = KERNELS[name]
        found = mmd(x, y, kernel, unbiased=unbiased)
        assert math.isclose(found, naive_mmd(x, y, naive, unbiased), rel_tol=1e-11)
        assert not math.isclose(found, naive_mmd(x, y, naive, not unbiased), rel_tol=1e-3)

    def test_linear_kernel_is_the_distance_of_means(self) -> None:
        x, y = normal(30, 4).double(), 1 + normal(20, 4, seed=1).double()
        linear = partial(polynomial_kernel, degree=1, offset=0.0)
        gap = (x.mean(dim=0) - y.mean(dim=0)).square().sum() / 4
        assert math.isclose(mmd(x, y, linear, unbiased=False), gap, rel_tol=1e-11)
        # Unbiased: less the variances of both means.
        spread = (x.var(dim=0).sum() / 30 + y.var(dim=0).sum() / 20) / 4
        assert math.isclose(mmd(x, y, linear), gap - spread, rel_tol=1e-11)

    def test_expectation_is_zero_for_one_law_only_without_bias(self) -> None:
        pairs = [normal(2, 20, 4, seed=seed) for seed in range(200)]
        for unbiased in (True, False):
            values = torch.tensor([mmd(x, y, unbiased=unbiased) for x, y in pairs])
            error = values.std() / math.sqrt(len(values))
            assert (abs(values.mean()) < 3 * error) == unbiased

    def test_biased_is_zero_for_equal_sets(self) -> None:
        x = normal(20, 4)
        assert abs(mmd(x, x, unbiased=False)) < 1e-12
        with pytest.raises(ValueError, match="two features or more"):
            mmd(x[:1], x)

    def test_kid(self) -> None:
        x, y = normal(60, 8), 0.5 + normal(50, 8, seed=1)
        mean, std = kid(x, y, subsets=20, subset_size=30)
        assert (mean, std) == kid(x, y, subsets=20, subset_size=30, seed=0)
        assert (mean, std) != kid(x, y, subsets=20, subset_size=30, seed=1)
        assert 0 < std < mean
        assert abs(mean - mmd(x, y)) < 3 * std
        # The deviation is of the values themselves, as numpy's: of two it is half of their difference.
        (one, _), (two, std) = (kid(x, y, subsets=count, subset_size=30) for count in (1, 2))
        assert math.isclose(std, abs(two - one), rel_tol=1e-9)
        # A subset of all features is all of them, in another order.
        mean, std = kid(x[:50], y, subsets=3, subset_size=50)
        assert math.isclose(mean, mmd(x[:50], y), rel_tol=1e-10)
        assert std < 1e-10
        with pytest.raises(ValueError, match="subset_size=1000 with 60 real, 50 fake"):
            kid(x, y)


class TestInceptionScore:
    def test_closed_forms(self) -> None:
        self.check_closed_forms(inception_score)

    def check_closed_forms(self, score: Callable[[Tensor], tuple[float, float]]) -> None:
        assert np.allclose(score(torch.full((40, 8), 1 / 8)), (1, 0))
        assert np.allclose(score(torch.eye(8).repeat(20, 1)), (8, 0))
        # Half sure: p(y) is uniform over two classes, each KL = log 2 - H(q).
        q = torch.tensor([0.9, 0.1])
        rows = torch.stack([q, q.flip(0)]).repeat(20, 1)
        expected = 2 * math.exp(0.9 * math.log(0.9) + 0.1 * math.log(0.1))
        assert np.allclose(score(rows), (expected, 0), atol=1e-6)

    def test_closed_forms_reject_the_entropy_alone(self) -> None:
        def mutant(p: Tensor) -> tuple[float, float]:
            return float((torch.xlogy(p, p).sum(dim=1)).mean().exp()), 0.0

        with pytest.raises(AssertionError):
            self.check_closed_forms(mutant)

    def test_splits(self) -> None:
        p = normal(25, 6).softmax(dim=1)
        parts = [inception_score(part, splits=1)[0] for part in (p[:8], p[8:16], p[16:])]
        assert np.allclose(inception_score(p, splits=3), (np.mean(parts), np.std(parts)))
        for splits in (0, 26):
            with pytest.raises(ValueError, match=f"splits={splits} of 25"):
                inception_score(p, splits=splits)


def naive_precision_recall(real: Tensor, fake: Tensor, k: int) -> tuple[float, float]:
    def share(points: Tensor, manifold: Tensor) -> float:
        inside = 0
        for point in points:
            for i, center in enumerate(manifold):
                others = [float((center - other).norm()) for j, other in enumerate(manifold) if j != i]
                if (point - center).norm() <= sorted(others)[k - 1]:
                    inside += 1
                    break
        return inside / len(points)

    return share(fake, real), share(real, fake)


class TestPrecisionRecall:
    @pytest.mark.parametrize("k", [1, 3])
    @pytest.mark.parametrize("rows", [4, 1000])
    def test_equal_to_a_loop(self, k: int, rows: int) -> None:
        real, fake = normal(40, 3).double(), 0.6 * normal(30, 3, seed=1).double()
        found = precision_recall(real, fake, k=k, rows=rows)
        assert found == naive_precision_recall(real, fake, k)
        assert found != naive_precision_recall(real, fake, k + 1)
        assert found != tuple(reversed(found))

    def test_planted_sets(self) -> None:
        left, right = normal(50, 4), 100 + normal(50, 4, seed=1)
        both = torch.cat([left, right])
        assert precision_recall(left, left) == (1, 1)
        assert precision_recall(left, right) == (0, 0)
        # One of two modes is made: all fakes are good, half of the real is missed.
        assert precision_recall(both, left) == (1, 0.5)
        assert precision_recall(left, both) == (0.5, 1)
        with pytest.raises(ValueError, match="k=50, 50, 50"):
            precision_recall(left, right, k=50)


def svm_objective(x: Tensor, y: Tensor, w: Tensor, b: Tensor, penalty: float) -> Tensor:
    hinge = (1 - y * (x @ w + b)).clamp_min(0)
    return (w @ w + b * b) / 2 + penalty * hinge.square().sum()


class TestInpaintingScores:
    @pytest.mark.parametrize(("n", "dim", "shift"), [(80, 10, 0.5), (20, 60, 0.2), (60, 5, 0.0)])
    @pytest.mark.parametrize("penalty", [1.0, 100.0])
    def test_svm_reaches_the_minimum(self, n: int, dim: int, shift: float, penalty: float) -> None:
        optimize = pytest.importorskip("scipy.optimize")
        x = torch.cat([normal(n, dim) + shift, normal(n, dim, seed=1)]).double()
        y = torch.cat([torch.ones(n), -torch.ones(n)]).double()
        w, b = fit_linear_svm(x, y, penalty=penalty)
        leaf = torch.cat([w, b[None]]).requires_grad_()
        svm_objective(x, y, leaf[:-1], leaf[-1], penalty).backward()
        assert leaf.grad.abs().max() < 1e-6 * penalty

        def objective(z: np.ndarray) -> float:
            v = torch.from_numpy(z)
            return float(svm_objective(x, y, v[:-1], v[-1], penalty))

        found = optimize.minimize(objective, np.zeros(dim + 1), method="L-BFGS-B", options={"maxiter": 500})
        assert objective(leaf.detach().numpy()) <= found.fun * (1 + 1e-9)
        assert objective(1.01 * leaf.detach().numpy()) > objective(leaf.detach().numpy())

    def test_equal_to_sklearn(self) -> None:
        svm = pytest.importorskip("sklearn.svm")
        real, fake = normal(100, 10) + 0.2, normal(100, 10, seed=1)
        x = torch.cat([real, fake]).double()
        labels = torch.cat([torch.ones(100), -torch.ones(100)]).double()
        reference = svm.LinearSVC(dual=False, tol=1e-10, max_iter=10000).fit(x.numpy(), labels.numpy())
        w, b = fit_linear_svm(x, labels)
        assert np.allclose(w, reference.coef_[0], atol=1e-6)
        assert math.isclose(b, reference.intercept_[0], abs_tol=1e-6)
        paired = np.mean(
            reference.decision_function(fake.double().numpy()) > reference.decision_function(real.double().numpy())
        )
        expected = (paired, 1 - reference.score(x.numpy(), labels.numpy()))
        assert np.allclose(inception_discriminative_scores(real, fake), expected)

    def test_planted_sets(self) -> None:
        x = normal(200, 6)
        assert inception_discriminative_scores(x + 10, x) == (0, 0)
        assert inception_discriminative_scores(x, x.clone())[1] == 0.5
        paired, unpaired = inception_discriminative_scores(x, normal(200, 6, seed=1))
        assert abs(paired - 0.5) < 0.1
        assert abs(unpaired - 0.5) < 0.1
        with pytest.raises(ValueError, match="200 real and 199 fake"):
            inception_discriminative_scores(x, x[1:])

    def test_pairs_count(self, monkeypatch: pytest.MonkeyPatch) -> None:
        # Along one axis, real is above its partner everywhere, but not above all fakes.
        monkeypatch.setattr(
            inpainting_ids, "fit_linear_svm", lambda x, labels, penalty: (torch.ones(1).double(), torch.zeros(()))
        )
        real = torch.tensor([[-1.0], [1.0], [3.0], [5.0]])
        assert inception_discriminative_scores(real, real - 0.5) == (0, 0.5)
        assert inception_discriminative_scores(real, real.roll(1, dims=0)) == (0.25, 0.5)
