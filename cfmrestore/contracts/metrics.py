"""Contract of metrics: numbers by row and image that do not depend on how batches were split."""

import math
from collections.abc import Sequence
from typing import Any

import torch

from cfmrestore.contracts.base import Contract, require
from cfmrestore.evaluation.metrics.base import ImageMetric, MeasuredSample, Metric
from cfmrestore.evaluation.scores import Scores
from cfmrestore.registry import METRICS

SIDE = 208  # which NIQE needs
_SETS = "a metric of whole sets may need more images, or others, than there are here"


def samples(count: int = 5, side: int = 32) -> list[MeasuredSample]:
    """Restorations with targets, inputs of a quarter, labels and label maps."""
    generator = torch.Generator().manual_seed(0)
    low = torch.rand(count, 3, side // 4, side // 4, generator=generator)
    target = torch.rand(count, 3, side, side, generator=generator)
    rows = [{"low": a, "target": b, "restored": b * 0.9, "nfe": 4} for a, b in zip(low, target, strict=True)]
    given = {"map": torch.arange(side * side).reshape(side, side) % 6, "label": torch.tensor(3)}
    return [{**row, **given, "name": f"{i}.png", "encoder": row["target"] * 0.99} for i, row in enumerate(rows)]


def samples_of(metric: Metric, count: int = 5) -> list[MeasuredSample]:
    """Such samples, with holes for a metric that refuses those without."""
    rows = samples(count, SIDE)
    try:
        measure(metric, [rows[:1]])
    except ValueError:
        mask = torch.zeros(1, SIDE, SIDE)
        mask[:, 20:40, 10:30] = 1
        rows = [{**row, "low": row["target"], "mask": mask} for row in rows]
    return rows


def measure(metric: Metric, batches: Sequence[Sequence[MeasuredSample]]) -> Scores:
    """What it says of batches."""
    metric.results.clear()
    for batch in batches:
        metric.process(None, batch)
    scores: Scores = metric.evaluate(sum(len(batch) for batch in batches))
    return scores


def check_columns(metric: Metric) -> None:
    """Each column has a name, and says whether higher is better there."""
    columns: Any = metric.columns
    require(
        all(isinstance(k, str) and isinstance(v, bool) for k, v in columns.items())
        and (columns or not isinstance(metric, ImageMetric)),
        f"columns is {columns!r}: name each, and say True where higher is better",
    )


def check_values(metric: Metric) -> str | None:
    """An image of its own: a finite number of each row and column."""
    if not isinstance(metric, ImageMetric):
        return _SETS
    flat = measure(metric, [samples_of(metric, 2)]).to_flat()
    require(any(key.endswith(metric.name) for key in flat), f"no column {metric.name} among {', '.join(flat)}")
    odd = [key for key, value in flat.items() if not (isinstance(value, float) and math.isfinite(value))]
    require(not odd, f"{', '.join(odd)} are no finite numbers: measure returns a float")
    return None


def check_split(metric: Metric) -> str | None:
    """The means do not depend on how images are split into batches."""
    if not isinstance(metric, ImageMetric):
        return _SETS
    rows = samples_of(metric)
    whole = measure(metric, [rows]).to_flat()
    parts = measure(metric, [rows[:2], rows[2:3], rows[3:]]).to_flat()
    same = whole.keys() == parts.keys()
    same = same and all(math.isclose(whole[key], parts[key], rel_tol=1e-9, abs_tol=1e-9) for key in whole)
    require(same, "other batches give other means: keep a number an image")
    return None


def check_direction(metric: Metric) -> str | None:
    """Where it needs a target: the target itself is best, and a blurred image not better than the target."""
    if not (isinstance(metric, ImageMetric) and metric.needs_target):
        return "it needs no target"
    best, worse = samples_of(metric, 1)[0], samples_of(metric, 1)[0]
    best["restored"] = best["target"].clone()
    worse["restored"] = torch.nn.functional.avg_pool2d(worse["target"], 5, stride=1, padding=2)
    values = [metric.measure(sample["restored"], sample["target"], sample) for sample in (best, worse)]
    better = values[0] > values[1] if metric.higher_is_better else values[0] < values[1]
    require(
        better,
        f"the target gets {values[0]:g}, blurred it gets {values[1]:g}, and higher_is_better is "
        f"{metric.higher_is_better}",
    )
    return None


CONTRACT = Contract(
    METRICS,
    Metric,
    (check_columns, check_values, check_split, check_direction),
    cases={
        "LPIPS": [{"weights": "random"}],
        "FeatureDistance": [{"features": "SeededNet"}],
        "ClassAccuracy": [{"features": "SeededNet"}],
    },
    unchecked="metrics of whole sets (FID and its kin) and of holes beside their columns; whether a number is the "
    "published one: compare with the reference implementation",
)
