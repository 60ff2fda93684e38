"""What tells how good generated pictures are: classes and maps that are recognized, and a row of real pictures."""

import math
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor

from cfmrestore.datasets import Digits
from cfmrestore.evaluation.functional.frechet import GaussianSums, frechet_distance
from cfmrestore.evaluation.metrics import FID, KID, ClassAccuracy, InpaintingIDS, MapAccuracy, set_metric
from cfmrestore.evaluation.metrics.feature_space import FeatureSpace
from cfmrestore.evaluation.metrics.real_pictures import RealPictures
from cfmrestore.features import SeededNet

SEEDED = {"features": "SeededNet"}
BASELINE = {"type": "Digits", "split": "train"}


def pictures(count: int, seed: int = 0) -> Tensor:
    levels = torch.randint(0, 256, (count, 3, 8, 8), generator=torch.Generator().manual_seed(seed))
    return levels.float() / 255


def test_the_share_of_classes_by_hand() -> None:
    images, network = pictures(12), SeededNet.load()
    found = [int(network.probabilities(network(image[None])).argmax()) for image in images]
    samples = [
        {"name": f"{i:05d}.png", "label": torch.tensor(label if i % 3 else (label + 1) % 10), "restored": image,
         "target": images[0]}
        for i, (image, label) in enumerate(zip(images, found, strict=True))
    ]  # fmt: skip
    metric = ClassAccuracy(**SEEDED)
    metric.prepare(12)
    metric.process(None, samples)
    scores = metric.evaluate(12)
    assert scores.means()["restored"] == {"ClassAccuracy (SeededNet)": 8 / 12}
    of_target = sum(int(sample["label"]) == found[0] for sample in samples) / 12
    assert scores.means()["target"] == {"ClassAccuracy (SeededNet)": of_target}
    assert scores.rows["restored"]["ClassAccuracy (SeededNet)"].values["00001.png"] == 1


def test_the_class_at_the_end_of_a_name() -> None:
    image, network = pictures(1)[0], SeededNet.load()
    label = int(network.probabilities(network(image[None])).argmax())
    for name, share in ((f"00017_{label}.png", 1.0), (f"00017_{(label + 1) % 10}", 0.0)):
        metric = ClassAccuracy(**SEEDED)
        metric.process(None, [{"name": name, "restored": image}])
        assert metric.evaluate(1).to_flat() == {"ClassAccuracy (SeededNet)": share}
    with pytest.raises(ValueError, match=r"'a\.png' has no label, and no name like 00017_3\.png"):
        metric.process(None, [{"name": "a.png", "restored": image}])
    with pytest.raises(ValueError, match="is of class 12; the classifier has classes from 0 to 9"):
        metric.process(None, [{"name": "a_12.png", "restored": image}])


def test_the_share_of_pixels_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """A segmenter that takes dark for class 0 and light for class 1."""
    segmenter = SimpleNamespace(class_map=lambda image: (image.mean(dim=1) > 0.5).long())
    monkeypatch.setattr(FeatureSpace, "extractor", segmenter)
    labels = torch.zeros(4, 6, dtype=torch.int64)
    labels[:, :3] = 1
    real = labels.float().expand(3, 4, 6)
    made = real.clone()
    made[:, 0] = 1
    metric = MapAccuracy()
    metric.process(None, [{"name": "a", "map": labels, "restored": made, "target": real}])
    assert metric.evaluate(1).to_flat() == {
        "MapAccuracy (SceneSegmenter)": 21 / 24,
        "target/MapAccuracy (SceneSegmenter)": 1.0,
    }
    with pytest.raises(ValueError, match="MapAccuracy needs label maps, and 'a' has none"):
        metric.process(None, [{"name": "a", "restored": made}])
    with pytest.raises(ValueError, match="'a' has 4x6 pixels, its label map 3x6"):
        metric.process(None, [{"name": "a", "restored": made, "map": labels[1:]}])


def samples_of(count: int) -> list[dict]:
    made, real = pictures(count), pictures(count, seed=1)
    return [{"name": str(i), "restored": a, "target": b} for i, (a, b) in enumerate(zip(made, real, strict=True))]


def test_a_row_of_as_many_real_pictures_by_hand() -> None:
    metric = FID(**SEEDED, baseline=BASELINE, seed=3)
    metric.prepare(30)
    metric.process(None, samples_of(30))
    found = metric.evaluate(30).means()
    generator = torch.Generator().manual_seed(3)
    order = [torch.randint(1195, (), generator=generator) for _ in range(30)]
    data, network, laws = Digits(split="train"), SeededNet.load(), []
    drawn = torch.stack([data[int(index)]["inputs"]["high"].float() / 255 for index in order])
    for images in (drawn, pictures(30, seed=1)):
        sums = GaussianSums(64)
        sums.update(network(images))
        laws.append(sums.mean_and_covariance())
    assert found["real"]["FD (SeededNet)"] == pytest.approx(frechet_distance(*laws), rel=1e-4)
    assert found["restored"] != found["real"]


def test_real_pictures_are_drawn_apart_and_of_the_classes_asked_for() -> None:
    """With as many draws as pictures a third of them (1/e) is missed, were they drawn apart."""
    drawn, data = RealPictures(BASELINE, 0), Digits(split="train")
    known = {data[i]["inputs"]["high"].numpy().tobytes() for i in range(1195)}
    seen = {(255 * image).round().byte().numpy().tobytes() for _, image in drawn.draw([None] * 1195)}
    assert seen < known
    assert len(seen) / len(known) == pytest.approx(1 - 1 / math.e, abs=0.04)
    threes = {data[i]["inputs"]["high"].numpy().tobytes() for i in range(1195) if int(data[i]["inputs"]["label"]) == 3}
    for name, image in drawn.draw([3] * 20):
        assert int(name) < 20
        assert (255 * image).round().byte().numpy().tobytes() in threes


@pytest.mark.parametrize("kind", [FID, KID])
def test_the_real_pictures_are_the_same_on_two_ranks(kind: type, monkeypatch: pytest.MonkeyPatch) -> None:
    samples = samples_of(9)
    whole = kind(**SEEDED, baseline=BASELINE)
    whole.process(None, samples)
    expected = whole.evaluate(9).to_flat()
    ranks = [kind(**SEEDED, baseline=BASELINE) for _ in range(2)]
    for metric, own in zip(ranks, (samples[0::2], [*samples[1::2], samples[0]]), strict=True):
        metric.process(None, own)
    parts = [(metric.names, metric.statistics, metric.last, metric.labels) for metric in ranks]
    monkeypatch.setattr(set_metric, "all_gather_object", lambda own: parts)
    assert ranks[0].evaluate(9).to_flat() == pytest.approx(expected, rel=1e-9)


def test_wrong_baselines() -> None:
    metric = FID(**SEEDED, baseline=BASELINE)
    metric.process(None, [{**sample, "label": 10} for sample in samples_of(4)])
    with pytest.raises(ValueError, match="the baseline has no picture of class 10"):
        metric.evaluate(4)
    with pytest.raises(ValueError, match="InpaintingIDS compares with no other pictures"):
        InpaintingIDS(**SEEDED, baseline=BASELINE)


def test_an_image_that_stands_for_another_counts_once() -> None:
    samples = samples_of(6)
    metric, expected = FID(**SEEDED, baseline=BASELINE), FID(**SEEDED, baseline=BASELINE)
    metric.process(None, [samples[0], samples[1], samples[1], *samples[2:], samples[0]])
    expected.process(None, samples)
    assert metric.evaluate(8).to_flat() == expected.evaluate(6).to_flat()


def test_classes_are_known_without_reading_the_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = RealPictures(BASELINE, 0)
    monkeypatch.setattr(type(drawn.dataset), "__getitem__", lambda self, index: pytest.fail("a picture was read"))
    assert sum(map(len, drawn.by_class.values())) == 1195
