"""The shells: means over images, the bicubic row, independence of the split."""

import math

import pytest
import torch

from cfmrestore.evaluation.functional import prepare, psnr
from cfmrestore.evaluation.metrics import NFE, PSNR
from cfmrestore.ops.resize import resize
from cfmrestore.registry import METRICS

METRICS.import_from_location()


def samples(count: int = 5) -> list[dict]:
    generator = torch.Generator().manual_seed(0)
    low = torch.rand(count, 3, 8, 8, generator=generator)
    target = torch.rand(count, 3, 32, 32, generator=generator)
    return [{"low": a, "target": b, "restored": b * 0.9, "nfe": 4} for a, b in zip(low, target, strict=True)]


def evaluate(metric, batches: list[list[dict]]) -> dict[str, float]:
    for batch in batches:
        metric.process(None, batch)
    return metric.evaluate(sum(len(batch) for batch in batches))


def check_split(build) -> None:
    rows = samples()
    whole = evaluate(build(), [rows])
    parts = evaluate(build(), [rows[:2], rows[2:3], rows[3:]])
    assert whole.keys() == parts.keys()
    assert all(math.isclose(whole[key], parts[key], rel_tol=1e-12) for key in whole)


@pytest.mark.parametrize("name", sorted(METRICS.module_dict))
def test_the_split_into_batches_does_not_matter(name: str) -> None:
    check_split(lambda: METRICS.build({"type": name}))


class MeanOfMeans(PSNR):
    """Averages over batches: uneven batches weigh their images unevenly."""

    def process(self, data_batch, data_samples):
        super().process(data_batch, data_samples)
        rows = [self.results.pop() for _ in data_samples]
        self.results.append({key: sum(row[key] for row in rows) / len(rows) for key in rows[0]})

    def evaluate(self, size):
        return super().evaluate(len(self.results))


def test_the_split_rejects_its_mutant() -> None:
    with pytest.raises(AssertionError):
        check_split(MeanOfMeans)


def test_values_and_the_bicubic_row() -> None:
    rows = samples(1)
    result = evaluate(PSNR(channel="rgb", border=4), [rows])
    a, b = (prepare(x[None], channel="rgb", border=4) for x in (rows[0]["restored"], rows[0]["target"]))
    assert result["PSNR"] == float(psnr(a, b))
    c = prepare(resize(rows[0]["low"][None], scale=4), channel="rgb", border=4)
    assert result["bicubic/PSNR"] == float(psnr(c, b))


def test_nfe() -> None:
    assert evaluate(NFE(), [samples()]) == {"NFE": 4.0}
