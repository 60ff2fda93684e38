"""Datasets: files of all kinds, seeds by image, and errors that name the file."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.dataset import pseudo_collate
from PIL import Image

from cfmrestore.datasets import Draw, ImageFolder, Mixture, PairedFolder
from cfmrestore.datasets.transforms import CenterCrop, Shrink
from cfmrestore.engine.config import presets
from cfmrestore.flows.preprocessor import RestorationPreprocessor
from tests.testing import write_images

CROP = [{"type": "RandomCrop", "size": 16}, {"type": "Albumentations", "transforms": [{"type": "D4", "p": 1.0}]}]


def test_an_image_gets_the_same_crop_whoever_asks(tmp_path: Path) -> None:
    folder = write_images(tmp_path)
    first, second = ImageFolder(data_root=str(folder), pipeline=CROP), ImageFolder(data_root=str(folder), pipeline=CROP)
    second[3], second[1]
    for index in range(6):
        a, b = first[Draw(index, 2, 9)], second[Draw(index, 2, 5)]
        assert np.array_equal(a["inputs"]["high"], b["inputs"]["high"])
        assert a["data_samples"]["seed"] == b["data_samples"]["seed"]


def test_a_file_keeps_its_seed_when_others_are_added(tmp_path: Path) -> None:
    folder = write_images(tmp_path)
    before = ImageFolder(data_root=str(folder), pipeline=CROP)[0]
    Image.new("RGB", (32, 32)).save(folder / "-first.png")
    after = ImageFolder(data_root=str(folder), pipeline=CROP)[1]
    assert before["data_samples"] == {**after["data_samples"], "number": 0}
    assert np.array_equal(before["inputs"]["high"], after["inputs"]["high"])


def test_every_fourth_photograph_is_held_out(tmp_path: Path) -> None:
    folder = str(write_images(tmp_path, count=9))
    parts = {
        split: [one.name(index) for index in range(len(one))]
        for split in ("all", "train", "held_out")
        for one in [ImageFolder(data_root=folder, split=split)]
    }
    assert parts["held_out"] == parts["all"][::4]
    assert sorted(parts["train"] + parts["held_out"]) == parts["all"]
    assert len(parts["train"]) == 6


def test_a_split_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="split is one of all, train, held_out; got 'test'"):
        ImageFolder(data_root=str(write_images(tmp_path)), split="test")
    with pytest.raises(ValueError, match="too few images"):
        ImageFolder(data_root=str(write_images(tmp_path / "one", count=1)), split="train")


def test_epochs_seeds_and_images_differ(tmp_path: Path) -> None:
    folder = str(write_images(tmp_path))
    seeds = {ImageFolder(data_root=folder, seed=s)[Draw(i, e, 0)]["data_samples"]["seed"]
             for s in range(3) for i in range(3) for e in range(3)}  # fmt: skip
    assert len(seeds) == 27


def test_all_crops_and_all_eight_symmetries_occur(tmp_path: Path) -> None:
    folder = write_images(tmp_path, count=1, side=18)
    dataset = ImageFolder(data_root=str(folder), pipeline=CROP)
    kinds = {dataset[Draw(0, epoch, 0)]["inputs"]["high"].numpy().tobytes() for epoch in range(600)}
    assert len(kinds) == 9 * 8


def test_transforms_of_a_chain_draw_independently(tmp_path: Path) -> None:
    folder = write_images(tmp_path, count=1, side=16)
    names = ("HorizontalFlip", "VerticalFlip", "Transpose")
    chain = [{"type": "Albumentations", "transforms": [{"type": name, "p": 0.5} for name in names]}]
    dataset = ImageFolder(data_root=str(folder), pipeline=chain)
    assert len({dataset[Draw(0, epoch, 0)]["inputs"]["high"].numpy().tobytes() for epoch in range(100)}) == 8


def test_pairs_are_cropped_and_turned_alike(tmp_path: Path) -> None:
    high, low = tmp_path / "high", tmp_path / "low"
    high.mkdir(), low.mkdir()
    pixels = np.random.default_rng(0).integers(0, 256, (10, 12, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(low / "a.png")
    Image.fromarray(pixels.repeat(4, 0).repeat(4, 1)).save(high / "a.bmp")
    dataset = PairedFolder(high_root=str(high), low_root=str(low), pipeline=CROP)
    for epoch in range(30):
        inputs = dataset[Draw(0, epoch, 0)]["inputs"]
        assert inputs["low"].shape == (3, 4, 4)
        assert np.array_equal(inputs["high"], inputs["low"].repeat_interleave(4, 1).repeat_interleave(4, 2))


def test_what_a_peer_made_goes_where_its_pair_goes(tmp_path: Path) -> None:
    roots = {part: tmp_path / part for part in ("high", "low", "peer")}
    pixels = np.random.default_rng(0).integers(0, 256, (10, 12, 3), dtype=np.uint8)
    large = pixels.repeat(4, 0).repeat(4, 1)
    for part, image in (("high", large), ("low", pixels), ("peer", 255 - large)):
        roots[part].mkdir()
        Image.fromarray(image).save(roots[part] / "a.png")
    folders = {f"{part}_root": str(root) for part, root in roots.items()}
    dataset = PairedFolder(**folders, pipeline=CROP)
    for epoch in range(30):
        batch = pseudo_collate([dataset[Draw(0, epoch, 0)]])
        inputs = RestorationPreprocessor()(batch)["inputs"]
        assert torch.allclose(inputs["peer"], 1 - inputs["high"])
    write_images(roots["peer"], count=1, side=16)
    (roots["peer"] / "0.png").replace(roots["peer"] / "a.png")
    with pytest.raises(ValueError, match=r"^a: what the peer made has 16x16 pixels, and the target 40x48$"):
        dataset[0]
    (roots["peer"] / "a.png").unlink()
    write_images(roots["peer"], count=1, side=16)
    with pytest.raises(ValueError, match=r": '.*/peer' lacks 1 image: a, and '.*/high' lacks 1 image: 0$"):
        PairedFolder(**folders)


def test_pairs_without_a_partner_are_all_named(tmp_path: Path) -> None:
    write_images(tmp_path / "high", count=4)
    write_images(tmp_path / "low", count=2)
    roots = {"high_root": str(tmp_path / "high"), "low_root": str(tmp_path / "low")}
    with pytest.raises(ValueError, match=r"are not whole: '.*/low' lacks 2 images: 2, 3$"):
        PairedFolder(**roots)
    (tmp_path / "high" / "0.png").unlink()
    (tmp_path / "high" / "3.png").unlink()
    with pytest.raises(ValueError, match=r": '.*/low' lacks 1 image: 2, and '.*/high' lacks 1 image: 0$"):
        PairedFolder(**roots)


def test_pairs_of_odd_sizes_are_named(tmp_path: Path) -> None:
    write_images(tmp_path / "high", count=1, side=30)
    write_images(tmp_path / "low", count=1, side=8)
    dataset = PairedFolder(high_root=str(tmp_path / "high"), low_root=str(tmp_path / "low"), pipeline=CROP)
    with pytest.raises(ValueError, match="0: an input of 8x8 does not fit a target of 30x30"):
        dataset[0]


def test_pairs_of_another_scale_than_the_flow_are_named_with_the_mend(tmp_path: Path) -> None:
    write_images(tmp_path / "high", count=2, side=64)
    write_images(tmp_path / "low", count=2, side=32)
    roots = {"high_root": str(tmp_path / "high"), "low_root": str(tmp_path / "low")}
    flows = {scale: SimpleNamespace(coupling=SimpleNamespace(scale=scale)) for scale in (2, 4)}
    mend = "--cfg-options scale=2"
    said = rf"^0: the pair is x2 \(low 32x32, high 64x64\), the config says scale 4: {mend}$"
    with pytest.raises(ValueError, match=said):
        Mixture(datasets=[{"type": "PairedFolder", **roots}]).check_flow(flows[4])
    dataset = PairedFolder(**roots)
    dataset.check_flow(flows[2])
    write_images(tmp_path / "high", count=2, side=63)  # an input may reach beyond its target
    assert dataset[1]["inputs"]["high"].shape == (3, 63, 63)
    write_images(tmp_path / "high", count=2, side=70)
    with pytest.raises(ValueError, match=r"^1: an input of 32x32 does not fit a target of 70x70 by a whole factor"):
        dataset[1]


def damaged(folder: Path) -> Path:
    """Four good photographs, a truncated one and a text."""
    write_images(folder, count=4, suffix=".jpg", side=64)
    whole = (folder / "0.jpg").read_bytes()
    (folder / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    (folder / "text.png").write_text("no image")
    return folder


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    dataset = ImageFolder(data_root=str(damaged(tmp_path)))
    with pytest.raises(ValueError, match=r"cut.jpg: cannot read .*[Tt]runcated"):
        dataset[4]
    with pytest.raises(ValueError, match=r"text.png: cannot read .*no image"):
        dataset[5]


def test_a_damaged_file_is_skipped_on_request(tmp_path: Path) -> None:
    dataset = ImageFolder(data_root=str(damaged(tmp_path)), on_error="skip")
    with pytest.warns(RuntimeWarning, match=r"skipped (cut.jpg|text.png)"):
        assert dataset[4]["data_samples"]["name"] == "0.jpg"


def test_only_damaged_files_do_not_hang(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_text("no image")
    with pytest.warns(RuntimeWarning), pytest.raises(ValueError, match="none of the 1 images"):
        ImageFolder(data_root=str(tmp_path), on_error="skip")[0]


def test_a_small_image_is_named_or_mirrored(tmp_path: Path) -> None:
    folder = write_images(tmp_path, count=1, side=10)
    with pytest.raises(ValueError, match=r"0.png: 10x10 is smaller than the crop of 16: .*small='reflect'"):
        ImageFolder(data_root=str(folder), pipeline=CROP)[0]
    mirror = [{"type": "RandomCrop", "size": 16, "small": "reflect"}]
    assert ImageFolder(data_root=str(folder), pipeline=mirror)[0]["inputs"]["high"].shape == (3, 16, 16)


def test_missing_and_empty_folders_are_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"there is no folder .*nowhere"):
        ImageFolder(data_root=str(tmp_path / "nowhere"))
    with pytest.raises(ValueError, match="holds no images"):
        ImageFolder(data_root=str(tmp_path))


def test_folders_are_searched_deeply_and_center_crops_are_multiples(tmp_path: Path) -> None:
    write_images(tmp_path / "a" / "b", count=2, side=30)
    dataset = ImageFolder(data_root=str(tmp_path), pipeline=[{"type": "CenterCrop", "multiple": 8}])
    assert [dataset.name(i) for i in range(2)] == ["a/b/0.png", "a/b/1.png"]
    assert dataset[0]["inputs"]["high"].shape == (3, 24, 24)


def test_unknown_augmentations_name_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="did you mean 'HorizontalFlip'"):
        ImageFolder(
            data_root=str(write_images(tmp_path)),
            pipeline=[{"type": "Albumentations", "transforms": [{"type": "HorizontalFlp"}]}],
        )


@pytest.mark.parametrize("preset", ["bicubic", "camera_or_web"])
def test_workers_degrade_as_the_device_does(tmp_path: Path, preset: str) -> None:
    steps = presets.resolved(preset)["degradation"]
    folder = str(write_images(tmp_path, side=64))
    samples = [ImageFolder(data_root=folder, degradation=steps, seed=3)[Draw(n, 1, n)] for n in range(4)]
    high = torch.stack([one["inputs"]["high"] for one in samples]).float() / 255
    seeds = [one["data_samples"]["seed"] for one in samples]
    low = RestorationPreprocessor(degradation=steps).degraded(high, seeds)["low"]
    assert torch.equal(torch.stack([one["inputs"]["low"] for one in samples]), (255 * low).round().to(torch.uint8))


def test_workers_refuse_a_degradation_without_levels(tmp_path: Path) -> None:
    folder = ImageFolder(data_root=str(write_images(tmp_path)), degradation=[{"type": "Downscale", "scale": 2}])
    with pytest.raises(ValueError, match="let Quantize be its last step"):
        folder[0]


def test_large_photographs_are_shrunk_and_small_ones_left(tmp_path: Path) -> None:
    shrink = Shrink(size=20)
    flat = np.full((40, 60, 3), 77, np.uint8)
    assert shrink({"high": flat}, 0)["high"].shape == (20, 30, 3)
    assert set(np.unique(shrink({"high": flat}, 0)["high"])) == {77}
    assert shrink({"high": flat[:20]}, 0)["high"].shape == (20, 60, 3)
    checkered = np.indices((40, 40)).sum(0)[..., None].repeat(3, -1).astype(np.uint8) % 2 * 255
    assert np.ptp(shrink({"high": checkered}, 0)["high"][4:-4, 4:-4]) <= 2  # what aliases is gone
    with pytest.raises(ValueError, match="these samples hold high, low"):
        shrink({"high": flat, "low": flat}, 0)
    sides = [min(Shrink(size=(30, 60))({"high": flat}, seed)["high"].shape[:2]) for seed in range(400)]
    assert set(sides) == set(range(30, 41))
    assert 230 < sides.count(40) < 310  # two in three sizes are not below its own
    with pytest.raises(ValueError, match="first is the smaller; got \\(60, 30\\)"):
        Shrink(size=(60, 30))


@pytest.mark.parametrize(
    ("keys", "high", "low"),
    [
        ({}, (10, 12), (5, 6)),
        ({"size": 7}, (6, 6), (3, 3)),
        ({"size": 8}, (8, 8), (4, 4)),
        ({"multiple": 3}, (6, 12), (3, 6)),
    ],
)
def test_a_center_crop_keeps_pairs_together(keys: dict, high: tuple[int, int], low: tuple[int, int]) -> None:
    sample = {"high": np.zeros((10, 12, 3), np.uint8), "low": np.zeros((5, 6, 3), np.uint8)}
    cut = CenterCrop(**keys)(sample, 0)
    assert (cut["high"].shape[:2], cut["low"].shape[:2]) == (high, low)
