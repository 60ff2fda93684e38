"""Intervals of the numbers of whole sets: against closed forms, and how often they hold the truth."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from cfmrestore.apis.feature_statistics import feature_statistics
from cfmrestore.evaluation.functional.frechet import GaussianSums, frechet_distance
from cfmrestore.evaluation.functional.half_sampling import half_sample_intervals
from cfmrestore.evaluation.functional.precision_recall import precision_recall
from cfmrestore.evaluation.metrics import FID, KID, InceptionScore, InpaintingIDS, PatchFID, PrecisionRecall, SetMetric
from cfmrestore.features import SeededNet
from tests.testing import write_images

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


@pytest.mark.parametrize("ordered", [True, False])
def test_the_interval_of_an_inception_score_is_of_its_parts(ordered: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Against the spread over sets that are drawn anew, of images that are sorted by class too."""

    def drawn(seed: int) -> Tensor:
        noise = torch.randn(200, 5, generator=torch.Generator().manual_seed(seed)).double()
        classes = torch.arange(200) // 40 if ordered else torch.arange(200) % 5
        return (2 * noise + 3 * torch.eye(5).double()[classes]).softmax(dim=1)

    metric = InceptionScore(**SEEDED, interval=0.9)
    monkeypatch.setattr(SeededNet, "probabilities", lambda self, row: row)
    values = torch.tensor([metric.compare(None, drawn(seed))[0] for seed in range(200)])
    reach = torch.tensor([(high - low) / 2 for seed in range(10) for low, high in metric.intervals(None, drawn(seed))])
    assert float(reach.mean()) == pytest.approx(1.645 * float(values.std()), rel=0.25)


def test_what_it_refuses() -> None:
    x = normal(8, 3)
    for keys, message in (({"level": 1.0}, "0 < level < 1"), ({"samples": 9}, "30 samples")):
        with pytest.raises(ValueError, match=message):
            half_sample_intervals(lambda y: [0.0], [x], **keys)
    with pytest.raises(ValueError, match=r"as many if paired; got \[8, 4\]"):
        half_sample_intervals(lambda x, y: [0.0], [x, x[:4]], paired=True)
    with pytest.raises(ValueError, match="need 0 <= interval < 1; got 95"):
        FID(**SEEDED, interval=95)
    for metric, least in ((PrecisionRecall, 8), (InceptionScore, 100), (FID, 4), (KID, 2)):
        with pytest.raises(
            ValueError, match=f"{metric.__name__} needs {least} images or more; the set has {least - 1}$"
        ):
            metric(**SEEDED, interval=0.9).prepare(least - 1)


def test_of_odd_numbers_too() -> None:
    x = normal(7, 1)
    ((low, high),) = half_sample_intervals(lambda y: [float(y.mean())], [x], samples=8000)
    assert high - low == pytest.approx(2 * 1.959964 * float(x.std()) / 7**0.5, rel=0.03)


def test_a_small_reference_is_refused_before_the_first_image(tmp_path: Path) -> None:
    feature_statistics(
        write_images(tmp_path / "real", count=3), tmp_path / "r.safetensors", features="SeededNet", keep_features=True
    )
    metric = PrecisionRecall(**SEEDED, reference=tmp_path / "r.safetensors")
    with pytest.raises(ValueError, match=r"PrecisionRecall needs a reference of 4 images or more; .* has 3"):
        metric.prepare(12)
