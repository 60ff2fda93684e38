"""Datasets without files: digits of scikit-learn, scenes that are made, and requests without pictures."""

import numpy as np
import pytest
import torch

from cfmrestore.datasets import Digits, Draw, GenerationRequests, Scenes
from cfmrestore.datasets.scenes import CLASSES
from cfmrestore.datasets.textures import COLORS, noise, texture
from cfmrestore.datasets.transforms import MapToColors


def test_digits_are_split_once_and_for_all() -> None:
    parts = {split: Digits(split=split) for split in ("train", "held_out", "all")}
    names = {split: {data.name(i) for i in range(len(data))} for split, data in parts.items()}
    assert len(names["all"]) == 1797
    assert not names["train"] & names["held_out"]
    assert names["train"] | names["held_out"] == names["all"]
    for split, share in (("train", 2 / 3), ("held_out", 1 / 3)):
        counts = np.bincount(parts[split].labels) / np.bincount(parts["all"].labels)
        assert np.abs(counts - share).max() < 0.01


def test_a_digit_is_gray_has_its_levels_and_its_label() -> None:
    from sklearn.datasets import load_digits

    data, source = Digits(split="all"), load_digits()
    inputs = data[1796]["inputs"]
    assert inputs["high"].shape == (3, 8, 8)
    assert inputs["label"].dtype == torch.int64
    assert int(inputs["label"]) == source.target[1796]
    for channel in inputs["high"]:
        assert np.array_equal(np.round(channel.double().numpy() * 16 / 255), source.images[1796])
    assert data.metainfo["classes"] == tuple("0123456789")
    with pytest.raises(ValueError, match="split is one of train, held_out, all"):
        Digits(split="test")


def test_a_scene_is_that_of_its_seed_epoch_and_number() -> None:
    one, same, other = Scenes(seed=1), Scenes(seed=1), Scenes(seed=2)
    first = one[Draw(5, 2, 0)]["inputs"]
    again = same[Draw(5, 2, 7)]["inputs"]
    assert torch.equal(first["high"], again["high"])
    assert torch.equal(first["map"], again["map"])
    for different in (one[Draw(5, 3, 0)], one[Draw(6, 2, 0)], other[Draw(5, 2, 0)]):
        assert not torch.equal(first["high"], different["inputs"]["high"])


def test_held_out_scenes_are_the_same_in_all_runs_and_in_no_training() -> None:
    held_out = [Scenes(split="held_out", seed=seed, length=20) for seed in (1, 2)]
    pictures = [{data[Draw(i, e, 0)]["inputs"]["high"].numpy().tobytes() for i in range(20) for e in (0, 3)}
                for data in held_out]  # fmt: skip
    assert pictures[0] == pictures[1]
    assert len(pictures[0]) == 20
    train = {Scenes(seed=1)[i]["inputs"]["high"].numpy().tobytes() for i in range(20)}
    assert not train & pictures[0]


@pytest.mark.parametrize("size", [64, (48, 80), (33, 17), 256])
def test_scenes_have_any_size_and_the_classes_that_they_name(size: int | tuple[int, int]) -> None:
    data = Scenes(size=size)
    shape = (size, size) if isinstance(size, int) else size
    inputs = data[0]["inputs"]
    assert inputs["high"].shape == (3, *shape)
    assert inputs["map"].shape == shape
    assert inputs["map"].dtype == torch.uint8
    assert inputs["map"].max() < len(data.metainfo["classes"])


def test_scenes_refuse_what_is_none() -> None:
    for keys in ({"length": 0}, {"size": 4}, {"size": (64, 2)}):
        with pytest.raises(ValueError, match="Scenes needs a length of 1 or more and sides of 8 pixels"):
            Scenes(**keys)
    with pytest.raises(ValueError, match="split is one of train, held_out"):
        Scenes(split="val")


def means_of(count: int = 300) -> tuple[np.ndarray, np.ndarray]:
    """Mean color and share of each class over some scenes."""
    data, total, pixels = Scenes(), np.zeros((len(CLASSES), 3)), np.zeros(len(CLASSES))
    for index in range(count):
        inputs = data[index]["inputs"]
        for label in inputs["map"].unique().tolist():
            where = inputs["map"] == label
            total[label] += inputs["high"][:, where].double().sum(dim=1).numpy()
            pixels[label] += int(where.sum())
    return total / pixels[:, None] / 255, pixels / pixels.sum()


def test_two_classes_share_a_mean_color_and_the_others_do_not() -> None:
    means, shares = means_of()
    assert shares.min() > 0.08
    apart = np.abs(means[:, None] - means[None]).max(axis=2)
    sky, water = CLASSES.index("sky"), CLASSES.index("water")
    assert apart[sky, water] < 0.025
    pairs = {(i, j) for i in range(6) for j in range(i)} - {(max(sky, water), min(sky, water))}
    assert min(apart[pair] for pair in pairs) > 0.1


def test_classes_of_one_color_differ_in_texture() -> None:
    """Steps from pixel to pixel down a column: those of water are several times those of sky."""
    steps, whole = {}, np.ones((64, 64), bool)
    for name in ("sky", "water"):
        pixels = np.stack([texture(name, np.random.default_rng(seed), whole).reshape(64, 64, 3) for seed in range(20)])
        steps[name] = np.abs(np.diff(pixels, axis=1)).mean()
    assert steps["water"] > 4 * steps["sky"]


@pytest.mark.parametrize("name", CLASSES)
def test_a_texture_has_the_mean_color_of_its_class(name: str) -> None:
    for seed in range(3):
        rng = np.random.default_rng(seed)
        where = rng.random((40, 64)) < 0.4
        pixels = texture(name, rng, where)
        assert pixels.shape == (where.sum(), 3)
        assert np.allclose(pixels.mean(0), COLORS[name], atol=1e-5)
        assert ((pixels < -0.02) | (pixels > 1.02)).mean() < 0.01


def test_noise_has_its_spectrum() -> None:
    fields = np.stack([noise(np.random.default_rng(seed), (64, 64), (4, 16), 1.0) for seed in range(60)])
    power = (np.abs(np.fft.fft2(fields)) ** 2).mean(0)
    f = np.hypot(np.fft.fftfreq(64)[:, None] * 64, np.fft.fftfreq(64)[None] * 64)
    assert power[(f < 4) | (f > 16)].max() < 1e-6 * power.max()
    low, high = power[(f > 4.5) & (f < 5.5)].mean(), power[(f > 13.5) & (f < 14.5)].mean()
    assert low / high == pytest.approx((14 / 5) ** 2, rel=0.15)
    assert fields.var() == pytest.approx(1, rel=0.05)
    assert abs(fields.mean()) < 1e-6


def test_a_map_in_colors_stands_beside_it() -> None:
    palette = [(10 * label, 255 - 10 * label, label) for label in range(6)]
    data = Scenes(length=2, size=16, pipeline=[{"type": "MapToColors", "palette": palette}])
    inputs = data[1]["inputs"]
    assert inputs.keys() == {"high", "map", "low"}
    for row, column in ((0, 0), (15, 3), (7, 8)):
        assert tuple(inputs["low"][:, row, column].tolist()) == palette[int(inputs["map"][row, column])]
    with pytest.raises(ValueError, match=r"has the class [1-5]; the palette has 1 colors"):
        Scenes(length=8, size=16, pipeline=[{"type": "MapToColors", "palette": palette[:1]}]).inputs(0, 3)
    with pytest.raises(ValueError, match="needs a label map"):
        MapToColors(palette=palette)({"high": np.zeros((2, 2, 3), np.uint8)}, 0)
    for wrong in ([(0, 0)], [(0, 0, 256)]):
        with pytest.raises(ValueError, match="an RGB color from 0 to 255 for each class"):
            MapToColors(palette=wrong)


def test_requests_hold_a_size_a_class_in_turn_and_a_seed_each() -> None:
    data = GenerationRequests(count=5, size=(8, 12), classes=3)
    samples = [data[index] for index in range(len(data))]
    assert [int(one["inputs"]["label"]) for one in samples] == [0, 1, 2, 0, 1]
    assert all(one["inputs"]["size"].tolist() == [8, 12] for one in samples)
    assert [one["data_samples"]["name"] for one in samples] == [f"0000{index}" for index in range(5)]
    assert len({one["data_samples"]["seed"] for one in samples}) == 5
    assert GenerationRequests(count=1, size=8, seed=0)[0]["inputs"].keys() == {"size"}
    other = GenerationRequests(count=5, size=8, classes=3, seed=1)[0]
    assert other["data_samples"]["seed"] != samples[0]["data_samples"]["seed"]
    for keys in ({"count": 0, "size": 8}, {"count": 1, "size": 0}, {"count": 1, "size": 8, "classes": 0}):
        with pytest.raises(ValueError, match="counts, sides and classes of 1 or more"):
            GenerationRequests(**keys)
