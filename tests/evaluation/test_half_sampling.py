"""Intervals of the numbers of whole sets: against closed forms, and how often they hold the truth."""

import pytest
import torch
from torch import Tensor

from cfmrestore.evaluation.functional.frechet import GaussianSums, frechet_distance
from cfmrestore.evaluation.functional.half_sampling import half_sample_intervals
from cfmrestore.evaluation.functional.precision_recall import precision_recall
from cfmrestore.evaluation.metrics import FID, InceptionScore, InpaintingIDS, PatchFID, PrecisionRecall, SetMetric

SEEDED = {"features": "SeededNet", "weights": "seeded"}


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed)).double()


def test_of_a_mean_it_is_the_interval_of_the_normal_law() -> None:
    """Over images of 3 features each: what varies is the mean of an image."""
    x = normal(60, 1)
    deviation = float(x.reshape(20, 3).mean(dim=1).std()) / 20**0.5
    ((low, high),) = half_sample_intervals(lambda y: [float(y.mean())], [x], per_image=3, level=0.95, samples=4000)
    assert (low + high) / 2 == pytest.approx(float(x.mean()), abs=1e-12)
    assert high - low == pytest.approx(2 * 1.959964 * deviation, rel=0.04)


def test_what_is_drawn_together_cancels() -> None:
    x = normal(40, 1)

    def numbers(a: Tensor, b: Tensor) -> list[float]:
        return [float((a - b).mean())]

    ((low, high),) = half_sample_intervals(numbers, [x, x - 1], paired=True)
    assert (low, high) == pytest.approx((1, 1))
    ((low, high),) = half_sample_intervals(numbers, [x, x - 1])
    assert high - low > 0.5


@pytest.mark.parametrize("paired", [True, False])
def test_it_holds_the_truth_as_often_as_it_says(paired: bool) -> None:
    """The truth is what so many images have on average, over sets that are drawn anew."""
    count, sets = 60, 80

    def drawn(seed: int) -> tuple[Tensor, Tensor]:
        x, y = normal(count, 4, seed=2 * seed), normal(count, 4, seed=2 * seed + 1)
        return x, 0.6 + (0.8 * x + 0.6 * y if paired else y)

    def numbers(x: Tensor, y: Tensor) -> list[float]:
        return [frechet_distance(x, y), *precision_recall(x, y)]

    values = torch.tensor([numbers(*drawn(seed)) for seed in range(sets, 8 * sets)])
    truth, held = values.mean(dim=0), []
    for seed in range(sets):
        ends = torch.tensor(half_sample_intervals(numbers, drawn(seed), paired=paired, level=0.9, samples=60))
        held.append((ends[:, 0] <= truth) & (truth <= ends[:, 1]))
    shares = torch.stack(held).double().mean(dim=0)
    assert (shares > 0.82).all(), shares
    assert (shares < 0.98).all(), shares


@pytest.mark.parametrize(("n", "m"), [(5, 9), (5, 40), (40, 30)])
def test_features_stand_for_their_normal_law(n: int, m: int) -> None:
    sets = normal(n, 12), 0.5 + 1.3 * normal(m, 12, seed=1)
    laws = []
    for x in sets:
        sums = GaussianSums(12)
        sums.update(x)
        laws.append(sums.mean_and_covariance())
    expected = frechet_distance(*laws)
    for a, b in (sets, (sets[0], laws[1]), (laws[0], sets[1])):
        assert frechet_distance(a, b) == pytest.approx(expected, rel=1e-6)  # roots of rounding errors in the laws


@pytest.mark.parametrize(
    ("metric", "share"), [(FID, 0.1), (PatchFID, 0.1), (PrecisionRecall, 1.0), (InpaintingIDS, 0.03)]
)
def test_a_metric_gives_its_ends(metric: type[SetMetric], share: float) -> None:
    images = torch.rand(2, 12, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    images[1] = torch.lerp(images[0], images[1], share)
    rows = [{"name": f"{i:02}", "restored": images[1, i].clamp(0, 1), "target": images[0, i]} for i in range(12)]
    keys = SEEDED | ({"patch_side": 16, "patches": 2} if metric is PatchFID else {})

    def measured(**more: float) -> dict[str, float]:
        built = metric(**keys, **more)
        built.process(None, rows)
        return {key: value for key, value in built.evaluate(12).to_flat().items() if "/" not in key}

    plain, whole = measured(), measured(interval=0.9)
    assert list(whole) == [name + end for name in plain for end in ("", " low", " high")]
    for name, value in plain.items():
        assert whole[name] == pytest.approx(value, rel=1e-9)
        assert whole[f"{name} low"] <= value <= whole[f"{name} high"]
    assert any(whole[f"{name} low"] < whole[f"{name} high"] for name in plain)


def test_a_metric_without_targets_gives_its_ends() -> None:
    images = torch.rand(24, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    metric = InceptionScore(**SEEDED, interval=0.9)
    metric.process(None, [{"name": f"{i:02}", "restored": image} for i, image in enumerate(images)])
    value, low, high = metric.evaluate(24).to_flat().values()
    assert low < value < high


def test_what_it_refuses() -> None:
    x = normal(8, 3)
    for keys, message in (({"level": 1.0}, "0 < level < 1"), ({"samples": 9}, "30 samples")):
        with pytest.raises(ValueError, match=message):
            half_sample_intervals(lambda y: [0.0], [x], **keys)
    with pytest.raises(ValueError, match=r"as many if paired; got \[8, 4\]"):
        half_sample_intervals(lambda x, y: [0.0], [x, x[:4]], paired=True)
    with pytest.raises(ValueError, match="need 0 <= interval < 1; got 95"):
        FID(**SEEDED, interval=95)
    with pytest.raises(ValueError, match="PrecisionRecall needs 8 images or more; the set has 7"):
        PrecisionRecall(**SEEDED, interval=0.9).prepare(7)
