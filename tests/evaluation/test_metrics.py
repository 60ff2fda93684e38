"""The shells: means over images, the bicubic row, independence of the split."""

import math
import sys
import types
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from cfmrestore.contracts.metrics import samples
from cfmrestore.degradations import Downscale
from cfmrestore.evaluation.functional import prepare, psnr
from cfmrestore.evaluation.metric_names import metric_config
from cfmrestore.evaluation.metrics import (
    DISTS,
    FID,
    LPIPS,
    NFE,
    PSNR,
    ImageDigest,
    InceptionScore,
    LRConsistency,
    PatchFID,
    SetMetric,
    set_metric,
)
from cfmrestore.evaluation.metrics.base import Metric
from cfmrestore.evaluation.scores import Scores
from cfmrestore.ops.pad import reflect_pad
from cfmrestore.ops.resize import resize
from cfmrestore.ops.rng import ImageRng
from cfmrestore.registry import METRICS

METRICS.import_from_location()
SEEDED = {"features": "SeededNet"}


def score(metric: Metric, batches: list[list[dict]]) -> Scores:
    for batch in batches:
        metric.process(None, batch)
    return metric.evaluate(sum(len(batch) for batch in batches))


def evaluate(metric: Metric, batches: list[list[dict]]) -> dict[str, float]:
    """The means by flat keys."""
    return score(metric, batches).to_flat()


def build(name: str, folder: Path) -> Metric:
    """A metric of that name, with random weights."""
    if name == "DISTS":
        torch.manual_seed(0)
        channels = 3 + 64 + 128 + 256 + 512 + 512
        torch.save({key: torch.rand(1, channels, 1, 1) for key in ("alpha", "beta")}, folder / "dists.pth")
        return DISTS(weights=str(folder / "dists.pth"), backbone="random")
    keys = {"LPIPS": {"weights": "random"}, "FeatureDistance": SEEDED, "ClassAccuracy": SEEDED}.get(name, {})
    if issubclass(METRICS.module_dict[name], SetMetric):
        keys = {"weights": "seeded", **({"patch_side": 32} if name.startswith("Patch") else {})}
    return METRICS.build({"type": name, **keys})


def check_split(build: Callable[[], Metric], rows: list[dict]) -> None:
    whole = evaluate(build(), [rows])
    parts = evaluate(build(), [rows[:2], rows[2:3], rows[3:]])
    assert whole.keys() == parts.keys()
    assert all(math.isclose(whole[key], parts[key], rel_tol=1e-9, abs_tol=1e-9) for key in whole)


TRAINS = pytest.param("MapAccuracy", marks=pytest.mark.slow)


@pytest.mark.parametrize("name", [*sorted(set(METRICS.module_dict) - {"PyIQA", "MapAccuracy"}), TRAINS])
def test_the_split_into_batches_does_not_matter(name: str, tmp_path: Path) -> None:
    side = {"NIQE": 208, "MSSSIM": 184}.get(name, 64)  # these two need so much
    rows = samples(5, side)
    if name in ("HolePSNR", "RimGradient"):
        mask = torch.zeros(1, side, side)
        mask[:, 20:40, 10:30] = 1
        rows = [{**row, "low": row["target"], "mask": mask} for row in rows]
    check_split(lambda: build(name, tmp_path), rows)


SETS = sorted(name for name, cls in METRICS.module_dict.items() if issubclass(cls, SetMetric))


def test_parts_of_a_set_do_not_depend_on_ranks(monkeypatch) -> None:
    """The Inception score is a mean over parts, so the order counts."""
    rows = samples(12, 64)
    whole = evaluate(InceptionScore(weights="seeded"), [rows])
    ranks = [InceptionScore(weights="seeded") for _ in range(2)]
    for metric, own in zip(ranks, (rows[0::2], rows[1::2]), strict=True):
        metric.process(None, own)
    parts = [(metric.names, metric.statistics, metric.last, metric.labels) for metric in ranks]
    monkeypatch.setattr(set_metric, "all_gather_object", lambda own: parts)
    assert ranks[0].evaluate(12).to_flat() == pytest.approx(whole, rel=1e-9)


@pytest.mark.parametrize("name", SETS)
def test_sets_are_the_same_on_any_number_of_ranks(name: str, tmp_path: Path, monkeypatch) -> None:
    """Three images on one rank, two and a repeated one on the other."""
    rows = samples(5, 64)
    whole = evaluate(build(name, tmp_path), [rows])
    ranks = [build(name, tmp_path) for _ in range(2)]
    for metric, own in zip(ranks, (rows[0::2], [*rows[1::2], rows[0]]), strict=True):
        metric.process(None, own)
    parts = [(metric.names, metric.statistics, metric.last, metric.labels) for metric in ranks]
    monkeypatch.setattr(set_metric, "all_gather_object", lambda own: parts)
    scores = ranks[0].evaluate(5)
    together = scores.to_flat()
    assert whole.keys() == together.keys()
    assert all(math.isclose(whole[key], together[key], rel_tol=1e-9, abs_tol=1e-9) for key in whole)
    assert "of 5 images says little" in scores.warnings[0]


def test_every_rank_gets_the_scores_of_a_set(monkeypatch) -> None:
    """A hook that keeps the best checkpoint looks for them on all of them."""
    scores = score(FID(weights="seeded"), [samples(5, 64)])
    monkeypatch.setattr(set_metric, "is_main_process", lambda: False)
    monkeypatch.setattr(set_metric, "broadcast_object_list", lambda objects: objects.__setitem__(0, scores))
    assert FID(weights="seeded").evaluate(5) == scores


def test_sets_tell_better_from_worse() -> None:
    rows = samples(5, 64)
    found = evaluate(FID(weights="seeded"), [rows])
    assert found["FID"] > found["encoder/FID"] > 0
    patches = evaluate(PatchFID(weights="seeded", patches=3, patch_side=16), [rows])
    assert patches["pFID"] > patches["encoder/pFID"]
    same = evaluate(FID(weights="seeded"), [[{**row, "restored": row["target"]} for row in rows]])
    assert abs(same["FID"]) < 1e-9


def test_missing_weights_are_one_message(tmp_path: Path) -> None:
    for metric in (FID(weights=str(tmp_path)), LPIPS(weights=str(tmp_path)), DISTS(weights=str(tmp_path))):
        with pytest.raises(ValueError, match=r"needs the weights .* there is no file"):
            metric.prepare(5)


class MeanOfMeans(PSNR):
    """Averages over batches: uneven batches weigh their images unevenly."""

    def process(self, data_batch, data_samples):
        super().process(data_batch, data_samples)
        rows = [self.results.pop() for _ in data_samples]
        mean = sum(row["restored"] for row in rows) / len(rows)
        self.results.append({"name": rows[0]["name"], "restored": mean})

    def evaluate(self, size):
        return super().evaluate(len(self.results))


def test_the_split_rejects_its_mutant() -> None:
    with pytest.raises(AssertionError):
        check_split(MeanOfMeans, samples())


def test_values_and_the_bicubic_row() -> None:
    rows = samples(1)
    result = evaluate(PSNR(protocol="rgb_cropped"), [rows])
    a, b = (prepare(x[None], channel="rgb", border=4) for x in (rows[0]["restored"], rows[0]["target"]))
    assert result["PSNR"] == float(psnr(a, b))
    c = prepare(resize(rows[0]["low"][None], scale=4), channel="rgb", border=4)
    assert result["bicubic/PSNR"] == float(psnr(c, b))
    assert result["encoder/PSNR"] > result["PSNR"]


def test_an_image_that_a_sampler_repeats_counts_once() -> None:
    rows = samples(3)
    metric = PSNR(protocol="rgb")
    metric.process(None, [*rows, {**rows[0]}])
    repeated = metric.compute_metrics(metric.results)
    assert repeated == score(PSNR(protocol="rgb"), [rows])
    assert list(repeated.rows["restored"]["PSNR"].values) == ["0.png", "1.png", "2.png"]


def test_equal_images_are_left_out_of_the_mean() -> None:
    rows = samples(2)
    rows[0]["restored"] = rows[0]["target"]
    restored = score(PSNR(protocol="rgb"), [rows]).rows["restored"]["PSNR"]
    assert restored.mean == restored.values["1.png"]
    assert restored.values["0.png"] == math.inf
    assert evaluate(PSNR(protocol="pyiqa_y"), [rows])["PSNR"] > 40  # 80 dB is the most that it gives


def test_what_cannot_be_measured_is_named() -> None:
    rows = samples(1)
    rows[0]["restored"] = rows[0]["restored"] * math.nan
    with pytest.raises(ValueError, match=r"restored of '0\.png' holds NaN"):
        PSNR().process(None, rows)
    with pytest.raises(ValueError, match=r"PSNR compares with a target, which '0\.png' does not have"):
        PSNR().process(None, [{"name": "0.png", "restored": torch.zeros(3, 8, 8)}])
    with pytest.raises(ValueError, match="LRConsistency compares with the input"):
        LRConsistency().process(None, [{"name": "0.png", "restored": torch.zeros(3, 8, 8)}])


def test_consistency_with_the_input() -> None:
    (sample,) = samples(1)
    sample["restored"] = torch.full((3, 32, 32), 0.5)
    sample["low"] = torch.full((3, 8, 8), 128 / 255)
    assert mean_of([[sample]]) == pytest.approx(80)  # equal: its bound
    sample = {**samples(1)[0], "restored": sample["restored"], "low": torch.full((3, 8, 8), 138 / 255)}
    rows = score(LRConsistency(), [[sample]]).rows
    assert rows["restored"]["LRConsistency"].mean == pytest.approx(20 * math.log10(255 / 10), abs=1e-3)
    assert rows["bicubic"]["LRConsistency"].values["0.png"] == pytest.approx(80)


def as_file(image: torch.Tensor) -> torch.Tensor:
    """Rounded to 8 bits as the metric rounds: in float32 a tie may fall to the other side."""
    return (prepare(image[None], channel="rgb")[0] / 255).float()


def mean_of(batches: list[list[dict]]) -> float:
    """LRConsistency of restorations."""
    return score(LRConsistency(), batches).rows["restored"]["LRConsistency"].mean


SIZES = [(130, 197), (128, 196), (129, 200), (17, 18), (132, 8)]


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_the_original_agrees_with_its_input(size: tuple[int, int], scale: int) -> None:
    """Whether the sides are multiples of the scale or not: 80 dB is the bound of equal images."""
    original = as_file(torch.rand(3, *size, generator=torch.Generator().manual_seed(0)))
    low = as_file(Downscale(scale=scale)(original[None], ImageRng([0]))[0])
    assert low.shape[-2:] == (math.ceil(size[0] / scale), math.ceil(size[1] / scale))
    sample = {"name": "0.png", "restored": original, "low": low}
    assert mean_of([[sample]]) == pytest.approx(80)
    assert sample["bicubic"].shape == original.shape
    assert torch.equal(sample["bicubic"], resize(low, scale=scale)[:, : size[0], : size[1]].clamp(0, 1))


def test_the_original_agrees_with_an_input_that_was_cropped_or_padded_before() -> None:
    original = as_file(torch.rand(3, 130, 197, generator=torch.Generator().manual_seed(0)))
    cropped = as_file(resize(original[:, :128, :196], scale=1 / 4))
    padded = as_file(resize(reflect_pad(original, 0, 2, 0, 3), scale=1 / 4))
    for restored, low in ((original, cropped), (reflect_pad(original, 0, 2, 0, 3), padded)):
        sample = {"name": "0.png", "restored": restored, "low": low, "scale": 4}
        assert mean_of([[sample]]) == pytest.approx(80)
    by_size = {"name": "0.png", "restored": original, "low": as_file(resize(original, size=(32, 49)))}
    assert mean_of([[by_size]]) == pytest.approx(80)
    assert by_size["bicubic"].shape == original.shape


def test_few_pixels_take_the_scale_that_is_named() -> None:
    original = as_file(torch.rand(3, 5, 6, generator=torch.Generator().manual_seed(0)))
    sample = {"name": "0.png", "restored": original, "low": as_file(resize(original, scale=1 / 4)), "scale": 4}
    assert mean_of([[sample]]) == pytest.approx(80)
    assert torch.equal(sample["bicubic"], resize(sample["low"], scale=4)[:, :5, :6].clamp(0, 1))
    with pytest.raises(ValueError, match=r"'0\.png' has 5x6 pixels, which do not shrink to the 2x2 .* at scale 8"):
        LRConsistency().process(None, [{**sample, "scale": 8}])


def test_images_of_another_size_than_their_target_are_named() -> None:
    with pytest.raises(ValueError, match=r"restored of '0\.png' has 31x32 pixels, the target 32x32"):
        PSNR().process(None, [{**row, "restored": row["restored"][:, 1:]} for row in samples(1)])


def test_the_digest_tells_images_and_names_apart() -> None:
    def digest(rows: list[dict]) -> str:
        images = score(ImageDigest(), [rows]).images
        assert images is not None
        return images.sha256

    rows = samples(3)
    assert digest(rows) == digest(rows[::-1])
    assert digest(rows) != digest(rows[:2])
    assert digest(rows) != digest([*rows[:2], {**rows[2], "name": "other.png"}])
    assert digest(rows) != digest([*rows[:2], {**rows[2], "target": rows[2]["target"].flip(1)}])
    assert digest(rows) == digest([{**row, "restored": row["restored"] * 0.5} for row in rows])


def test_nfe() -> None:
    assert evaluate(NFE(), [samples()]) == {"NFE": 4.0}


class FakeQuality:
    """What ``pyiqa.create_metric`` gives."""

    def __init__(self, name: str, full_reference: bool) -> None:
        self.lower_better, self.metric_mode = name == "worse", "FR" if full_reference else "NR"

    def __call__(self, *images: torch.Tensor) -> torch.Tensor:
        assert len(images) == (2 if self.metric_mode == "FR" else 1)
        return images[0].mean()[None]


def test_metrics_of_pyiqa(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "pyiqa", None)
    with pytest.raises(ValueError, match="pip install pyiqa"):
        METRICS.build(metric_config("pyiqa:musiq"))
    package = types.ModuleType("pyiqa")
    package.create_metric = lambda name, device: FakeQuality(name, full_reference=name == "worse")
    monkeypatch.setitem(sys.modules, "pyiqa", package)
    better, worse = (METRICS.build(metric_config(f"pyiqa:{name}")) for name in ("better", "worse"))
    assert (better.higher_is_better, better.needs_target) == (True, False)
    assert (worse.higher_is_better, worse.needs_target) == (False, True)
    rows = [{"name": "0.png", "restored": torch.full((3, 4, 4), 51 / 255), "target": torch.zeros(3, 4, 4)}]
    assert evaluate(better, [rows])["pyiqa:better"] == pytest.approx(0.2)
    assert evaluate(worse, [rows])["pyiqa:worse"] == pytest.approx(0.2)
