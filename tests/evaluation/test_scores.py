"""Scores from metrics to mmengine's logger, and what is refused before the first image is measured."""

from collections.abc import Callable

import pytest
import torch
from mmengine.evaluator import BaseMetric

from cfmrestore.evaluation.metrics import FID, KID, NFE, PSNR, InceptionScore, PatchFID, PrecisionRecall
from cfmrestore.evaluation.metrics.evaluator import RestorationEvaluator
from cfmrestore.evaluation.metrics.set_metric import SetMetric
from cfmrestore.evaluation.scores import Score, Scores

SAMPLES = [
    {"name": f"{i}.png", "restored": torch.full((3, 8, 8), 0.1 * i), "target": torch.full((3, 8, 8), 0.5), "nfe": 2}
    for i in range(3)
]


def check_flat(to_flat: Callable[[Scores], dict[str, float]]) -> None:
    """A column at a time, as the log has it, and nothing is lost on the way there and back."""
    restored, bicubic = {"PSNR": Score(30.0, {"a": 29.0, "b": 31.0}), "NFE": Score(4.0)}, {"PSNR": Score(28.0)}
    scores = Scores({"restored": restored, "bicubic": bicubic}, {"PSNR": True, "NFE": False})
    flat = to_flat(scores)
    assert list(flat.items()) == [("PSNR", 30.0), ("bicubic/PSNR", 28.0), ("NFE", 4.0)]
    assert Scores.from_flat(flat).means() == scores.means()


def test_flat_keys() -> None:
    check_flat(Scores.to_flat)


def test_flat_keys_reject_rows_without_a_name() -> None:
    with pytest.raises(AssertionError):
        check_flat(lambda scores: {c: score.mean for row in scores.rows.values() for c, score in row.items()})


class Brightness(BaseMetric):
    """A metric of another package: a flat dict, with a prefix."""

    default_prefix = "light"

    def process(self, data_batch: object, data_samples: list[dict]) -> None:
        self.results += [float(sample["restored"].mean()) for sample in data_samples]

    def compute_metrics(self, results: list[float]) -> dict[str, float]:
        return {"mean": sum(results) / len(results)}


def test_one_result_of_all_metrics() -> None:
    evaluator = RestorationEvaluator([PSNR(protocol="rgb"), NFE(), Brightness()])
    evaluator.prepare(3)
    evaluator.process(SAMPLES)
    scores = evaluator.score(3)
    assert scores.higher_is_better == {"PSNR": True, "NFE": False}
    assert list(scores.rows["restored"]["PSNR"].values) == ["0.png", "1.png", "2.png"]
    assert scores.rows["restored"]["NFE"] == Score(2.0)
    assert scores.means()["light"] == {"mean": pytest.approx(0.1)}
    evaluator.process(SAMPLES)
    assert evaluator.evaluate(3) == scores.to_flat()


@pytest.mark.parametrize(
    ("metric", "needed"),
    [
        (FID(weights="seeded"), 2),
        (KID(weights="seeded"), 2),
        (PrecisionRecall(weights="seeded"), 4),
        (PrecisionRecall(weights="seeded", patches=3, patch_side=8), 2),
    ],
)
def test_too_few_images_are_refused_before_the_first(metric: SetMetric, needed: int) -> None:
    evaluator = RestorationEvaluator([metric])
    evaluator.prepare(needed)
    with pytest.raises(ValueError, match=f"needs {needed} images or more; the set has {needed - 1}"):
        evaluator.prepare(needed - 1)
    samples = [{**SAMPLES[0], "name": str(i)} for i in range(needed)]
    evaluator.process(samples)
    assert evaluator.score(needed).rows["restored"]  # what is not refused is measured
    evaluator.process(samples[:-1])
    with pytest.raises(ValueError, match=r"feature|k must be"):
        evaluator.score(needed - 1)


def test_one_image_is_enough_for_others() -> None:
    evaluator = RestorationEvaluator([PSNR(), InceptionScore(weights="seeded"), PatchFID(weights="seeded", patches=2)])
    evaluator.prepare(1)


def test_a_column_has_one_metric() -> None:
    with pytest.raises(ValueError, match="two metrics give the column PSNR"):
        RestorationEvaluator([PSNR(), PSNR(protocol="rgb")]).prepare(3)
