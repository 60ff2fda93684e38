"""Layouts in which data sets are distributed, as tiny trees; what is missing is named."""

import multiprocessing
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from cfmrestore.datasets import ADE20K, LSUN, CelebAMaskHQ, ClassFolder, COCOStuff, ImageFolder, LabelMapFolder
from cfmrestore.datasets.celeba_mask_hq import PARTS
from tests.testing import write_images


def write_map(path: Path, labels: np.ndarray, palette: bool = False) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(labels.astype(np.uint8))
    if palette:
        image.putpalette(np.random.default_rng(0).integers(0, 256, 768).tolist())
    image.save(path)


def write_photograph(path: Path, side: int = 12) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(len(path.name)).integers(0, 256, (side, side, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path, format=None if path.suffix == ".png" else "JPEG")


def imagenet(root: Path) -> Path:
    for name in ("n02", "n01", "n03"):
        for number in range(2):
            write_photograph(root / name / f"{name}_{number}.JPEG")
    return root


def test_labels_are_the_places_of_sorted_folders(tmp_path: Path) -> None:
    data = ClassFolder(data_root=str(imagenet(tmp_path)))
    assert data.metainfo["classes"] == ("n01", "n02", "n03")
    found = [(data.name(i), int(data[i]["inputs"]["label"])) for i in range(len(data))]
    assert found == [(f"n0{c + 1}/n0{c + 1}_{k}.JPEG", c) for c in range(3) for k in range(2)]
    label = data[0]["inputs"]["label"]
    assert (label.dtype, label.shape) == (torch.int64, torch.Size([]))


def test_labels_do_not_depend_on_the_split(tmp_path: Path) -> None:
    held_out = ClassFolder(data_root=str(imagenet(tmp_path)), split="held_out")
    assert [(held_out.name(i)[:3], held_out.label(i)) for i in range(len(held_out))] == [("n01", 0), ("n03", 2)]


def test_a_list_or_a_file_fixes_the_order_of_classes(tmp_path: Path) -> None:
    root = imagenet(tmp_path / "data")
    (tmp_path / "names.txt").write_text("n03\n\nn01\n")
    for classes in (("n03", "n01"), str(tmp_path / "names.txt")):
        data = ClassFolder(data_root=str(root), classes=classes)
        assert data.metainfo["classes"] == ("n03", "n01")
        assert {data.name(i)[:3]: data.label(i) for i in range(len(data))} == {"n03": 0, "n01": 1}


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        (("n01", "n09"), "no folder of 1 classes: n09"),
        (("n01", "n01"), "the 2 classes name one twice"),
        ("nowhere.txt", "cannot read the list 'nowhere.txt'"),
    ],
)
def test_classes_that_cannot_be(tmp_path: Path, classes: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ClassFolder(data_root=str(imagenet(tmp_path)), classes=classes)


def test_an_image_beside_the_folders_of_classes_is_named(tmp_path: Path) -> None:
    write_photograph(imagenet(tmp_path) / "loose.png")
    with pytest.raises(ValueError, match=r"'loose.png' lies in none"):
        ClassFolder(data_root=str(tmp_path))


def test_ffhq_is_a_folder_of_images(tmp_path: Path) -> None:
    for number in ("00000/00000", "00000/00999", "01000/01000"):
        write_photograph(tmp_path / "images1024x1024" / f"{number}.png")
    data = ImageFolder(data_root=str(tmp_path / "images1024x1024"), pipeline=[{"type": "ResizeCrop", "size": 8}])
    assert [data.name(i) for i in range(3)] == ["00000/00000.png", "00000/00999.png", "01000/01000.png"]
    assert data[2]["inputs"]["high"].shape == (3, 8, 8)


def labels_of(*values: int) -> np.ndarray:
    return np.resize(np.array(values, np.uint8), (12, 12))


def test_palettes_mean_nothing_and_unlabeled_is_the_last_class(tmp_path: Path) -> None:
    for name, palette in (("a", True), ("b", False)):
        write_photograph(tmp_path / "images" / f"{name}.jpg")
        write_map(tmp_path / "maps" / f"{name}.png", labels_of(0, 1, 255), palette)
    data = LabelMapFolder(
        image_root=str(tmp_path / "images"), map_root=str(tmp_path / "maps"), classes=("sky", "sea"), unlabeled=255
    )
    assert data.metainfo["classes"] == ("sky", "sea", "unlabeled")
    for index in range(2):
        labels = data[index]["inputs"]["map"]
        assert labels.dtype == torch.uint8
        assert np.array_equal(labels, labels_of(0, 1, 2))


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (labels_of(0, 7), "a: the label map has the value 7; there are 3 classes"),
        (labels_of(0, 1)[:6], "a: a label map of 6x12 does not fit an image of 12x12"),
        (np.stack([labels_of(0, 1)] * 3, axis=2), "a: cannot read .*one class index of 8 bits a pixel.*RGB"),
    ],
)
def test_maps_that_do_not_fit(tmp_path: Path, labels: np.ndarray, message: str) -> None:
    write_photograph(tmp_path / "images" / "a.jpg")
    write_map(tmp_path / "maps" / "a.png", labels)
    data = LabelMapFolder(image_root=str(tmp_path / "images"), map_root=str(tmp_path / "maps"), classes=3)
    with pytest.raises(ValueError, match=message):
        data[0]


def ade20k(root: Path) -> Path:
    for split, short in (("training", "train"), ("validation", "val")):
        for number in (1, 2):
            name = f"{split}/ADE_{short}_{number:08d}"
            write_photograph(root / "images" / f"{name}.jpg")
            write_map(root / "annotations" / f"{name}.png", labels_of(0, 1, 150))
    return root


def test_ade20k(tmp_path: Path) -> None:
    root = ade20k(tmp_path)
    assert len(ADE20K(data_root=str(root)).metainfo["classes"]) == 151
    head, rows = "Idx\tRatio\tTrain\tVal\tStuff\tName", [f"{n}\t.1\t1\t1\t0\tname {n}, other" for n in range(1, 151)]
    (root / "objectInfo150.txt").write_text("\n".join([head, *rows]) + "\n")
    data = ADE20K(data_root=str(root), split="validation")
    assert [data.name(i) for i in range(len(data))] == ["ADE_val_00000001", "ADE_val_00000002"]
    assert data.metainfo["classes"][:2] == ("other", "name 1")
    assert data.metainfo["classes"][150] == "name 150"
    assert np.array_equal(data[0]["inputs"]["map"], labels_of(0, 1, 150))


def coco_stuff(root: Path) -> Path:
    for number in (9, 25):
        write_photograph(root / "train2017" / f"{number:012d}.jpg")
        write_map(root / "stuffthingmaps" / "train2017" / f"{number:012d}.png", labels_of(0, 181, 255))
    return root


def test_coco_stuff(tmp_path: Path) -> None:
    root = coco_stuff(tmp_path)
    assert COCOStuff(data_root=str(root)).metainfo["classes"][-2:] == ("181", "unlabeled")
    names = ["0: unlabeled", *(f"{n}: name {n}" for n in range(1, 183))]
    (root / "labels.txt").write_text("\n".join(names))
    data = COCOStuff(data_root=str(root))
    assert len(data.metainfo["classes"]) == 183
    assert data.metainfo["classes"][0] == "name 1"
    assert data.metainfo["classes"][181:] == ("name 182", "unlabeled")
    assert np.array_equal(data[0]["inputs"]["map"], labels_of(0, 181, 182))


def celeba_mask_hq(root: Path, numbers: tuple[int, ...] = (0, 1, 2000, 27_000)) -> Path:
    """Faces of 12 pixels whose skin is the upper left quarter, hidden in part by hair; masks have half the size."""
    for number in numbers:
        write_photograph(root / "CelebA-HQ-img" / f"{number}.jpg")
        for part, rows in (("skin", slice(0, 3)), ("hair", slice(0, 1))):
            mask = np.zeros((6, 6, 3), np.uint8)
            mask[rows, :3] = 255
            write_map(root / "CelebAMask-HQ-mask-anno" / str(number // 2000) / f"{number:05d}_{part}.png", mask)
    return root


def test_celeba_mask_hq_merges_parts_in_their_order(tmp_path: Path) -> None:
    data = CelebAMaskHQ(data_root=str(celeba_mask_hq(tmp_path)), split="all")
    classes = data.metainfo["classes"]
    assert len(classes) == 19
    assert classes[1:] == PARTS
    expected = np.zeros((12, 12), np.uint8)
    expected[:6, :6] = classes.index("skin")
    expected[:2, :6] = classes.index("hair")
    for index in range(len(data)):
        assert np.array_equal(data[index]["inputs"]["map"], expected)


def test_splits_of_celeba_mask_hq(tmp_path: Path) -> None:
    root = celeba_mask_hq(tmp_path)

    def names(**keys: str) -> list[str]:
        data = CelebAMaskHQ(data_root=str(root), **keys)
        return [data.name(i) for i in range(len(data))]

    assert names() == ["0.jpg", "1.jpg", "2000.jpg"]
    assert names(split="val") == ["27000.jpg"]
    places = {0: 162_770, 1: 162_771, 2000: 182_638, 27_000: 5}
    rows = [f"{number}\t{place - 1}\t{place:06d}.jpg" for number, place in places.items()]
    mapping = root / "CelebA-HQ-to-CelebA-mapping.txt"
    mapping.write_text("\n".join(["idx orig_idx orig_file", *rows]))
    by_celeba = {split: names(partition="celeba", split=split) for split in ("train", "val", "test")}
    assert by_celeba == {"train": ["0.jpg", "27000.jpg"], "val": ["1.jpg"], "test": ["2000.jpg"]}
    mapping.write_text("\n".join(["idx orig_idx orig_file", *rows[:3]]))
    with pytest.raises(ValueError, match=r"mapping.txt has no line of 1 images: 27000.jpg"):
        names(partition="celeba")
    mapping.write_text("head\n1 2\n")
    with pytest.raises(ValueError, match="is no table of three columns: 1 2"):
        names(partition="celeba")


@pytest.mark.parametrize(
    ("build", "lost", "keys", "message"),
    [
        (ade20k, "annotations/training/ADE_train_00000002.png", {}, "lacks 1 image: ADE_train_00000002"),
        (ade20k, "images/training/ADE_train_00000002.jpg", {}, "lacks 1 image: ADE_train_00000002"),
        (coco_stuff, "stuffthingmaps/train2017/000000000025.png", {}, "lacks 1 image: 000000000025"),
        (celeba_mask_hq, "CelebAMask-HQ-mask-anno/1/02000_*.png", {}, "no part of 1 images: 2000.jpg"),
        (celeba_mask_hq, "CelebA-HQ-img/27000.jpg", {"split": "val"}, "no images of the split 'val'"),
    ],
)
def test_what_lacks_its_partner_is_named(
    tmp_path: Path, build: Callable[[Path], Path], lost: str, keys: dict[str, str], message: str
) -> None:
    root, layout = build(tmp_path), {ade20k: ADE20K, coco_stuff: COCOStuff, celeba_mask_hq: CelebAMaskHQ}[build]
    for path in list(root.glob(lost)):
        path.unlink()
    with pytest.raises(ValueError, match=message):
        layout(data_root=str(root), **keys)


@pytest.mark.parametrize(
    ("layout", "message"),
    [
        (ADE20K, r"is not laid out as ADE20K: it has no folder 'images/training'"),
        (COCOStuff, r"is not laid out as COCO-Stuff: it has no folder 'train2017'"),
        (CelebAMaskHQ, r"is not laid out as CelebAMask-HQ: it has no folder 'CelebA-HQ-img'"),
        (LSUN, r"is no LMDB of LSUN: it has no file 'data.mdb'"),
        (ClassFolder, "holds no images"),
    ],
)
def test_a_wrong_root_says_what_is_missing(tmp_path: Path, layout: type, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        layout(data_root=str(tmp_path))


@pytest.mark.parametrize(
    ("layout", "keys"),
    [(ADE20K, {"split": "test"}), (COCOStuff, {"split": "test2017"}), (CelebAMaskHQ, {"split": "test"}),
     (CelebAMaskHQ, {"partition": "lfm"})],
)  # fmt: skip
def test_words_that_are_none(tmp_path: Path, layout: type, keys: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(keys))} is one of"):
        layout(data_root=str(tmp_path), **keys)


def lsun(root: Path, count: int = 5) -> Path:
    """An LMDB of WebP and JPEG files, written in no order; what its folder is called does not matter."""
    import lmdb

    root.mkdir()
    with lmdb.open(str(root), map_size=1 << 22) as environment, environment.begin(write=True) as transaction:
        for number in reversed(range(count)):
            file = BytesIO()
            level = np.full((9, 10, 3), 20 * number, np.uint8)
            Image.fromarray(level).save(
                file, **({"format": "WEBP", "lossless": True} if number % 2 else {"format": "PNG"})
            )
            transaction.put(f"{number:040x}".encode(), file.getvalue())
    return root


def test_lsun_reads_in_the_order_of_the_keys(tmp_path: Path) -> None:
    data = LSUN(data_root=str(lsun(tmp_path / "church_outdoor_train_lmdb")))
    assert [data.name(i) for i in range(len(data))] == [f"{number:040x}" for number in range(5)]
    for index in range(5):
        assert (data[index]["inputs"]["high"] == 20 * index).all()
    assert len(LSUN(data_root=data.folder, max_images=3)) == 3
    with pytest.raises(ValueError, match="max_images must be 1 or more"):
        LSUN(data_root=data.folder, max_images=0)


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_several_workers_read_one_lmdb(tmp_path: Path, method: str) -> None:
    data = LSUN(data_root=str(lsun(tmp_path / "lmdb")))
    data[0]  # the file is open before the workers start
    loader = torch.utils.data.DataLoader(
        data, batch_size=None, num_workers=2, multiprocessing_context=multiprocessing.get_context(method)
    )
    assert [int(sample["inputs"]["high"].max()) for sample in loader] == [0, 20, 40, 60, 80]


def test_a_damaged_image_of_an_lmdb_is_named(tmp_path: Path) -> None:
    import lmdb

    root = lsun(tmp_path / "lmdb", count=2)
    with lmdb.open(str(root)) as environment, environment.begin(write=True) as transaction:
        transaction.put(b"%040x" % 1, b"no image")
    with pytest.raises(ValueError, match=r"0001: cannot read 8 bytes: it is no image"):
        LSUN(data_root=str(root))[1]
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "data.mdb").write_bytes(b"none")
    with pytest.raises(ValueError, match="cannot open the LMDB"):
        LSUN(data_root=str(tmp_path / "empty"))


def test_transforms_move_maps_as_images(tmp_path: Path) -> None:
    """The image shows the map; whatever is done to one must be done to the other."""
    labels = np.random.default_rng(0).integers(0, 3, (10, 14), dtype=np.uint8)
    write_map(tmp_path / "maps" / "a.png", labels)
    write_map(tmp_path / "images" / "a.png", np.stack([labels * 100] * 3, axis=2))
    turn = {"type": "Albumentations", "transforms": [{"type": "HorizontalFlip", "p": 0.5}, {"type": "D4", "p": 1.0}]}
    roots = {"image_root": str(tmp_path / "images"), "map_root": str(tmp_path / "maps"), "classes": 3}
    seen = set()
    for crop in ({"type": "RandomCrop", "size": 6}, {"type": "RandomCrop", "size": 16, "small": "reflect"},
                 {"type": "CenterCrop", "multiple": 4}):  # fmt: skip
        data = LabelMapFolder(**roots, pipeline=[crop, turn])
        for seed in range(20):
            data.seed = seed
            inputs = data[0]["inputs"]
            assert torch.equal(inputs["high"], (inputs["map"] * 100).expand(3, -1, -1))
            seen.add(inputs["map"].numpy().tobytes())
    assert len(seen) > 20


def test_colors_change_without_the_map(tmp_path: Path) -> None:
    write_photograph(tmp_path / "images" / "a.png")
    write_map(tmp_path / "maps" / "a.png", labels_of(0, 1, 2))
    noise = {
        "type": "Albumentations",
        "transforms": [{"type": "GaussNoise", "p": 1.0}, {"type": "InvertImg", "p": 1.0}],
    }
    roots = {"image_root": str(tmp_path / "images"), "map_root": str(tmp_path / "maps"), "classes": 3}
    plain, changed = (LabelMapFolder(**roots, pipeline=steps)[0]["inputs"] for steps in ([], [noise]))
    assert torch.equal(plain["map"], changed["map"])
    assert not torch.equal(plain["high"], changed["high"])


@pytest.mark.parametrize("size", [(64, 64), (70, 90), (333, 129), (20, 31)])
def test_resize_crop_is_that_of_adm(size: tuple[int, int]) -> None:
    """Means of 2x2 pixels, then a kernel that does not alias, then the middle; the map stays within its classes."""
    from cfmrestore.datasets.transforms import ResizeCrop

    rng = np.random.default_rng(0)
    sample = {
        "high": rng.integers(0, 256, (*size, 3), dtype=np.uint8),
        "map": rng.choice([0, 9, 200], size).astype(np.uint8),
    }
    result = ResizeCrop(size=32)(sample, 0)
    assert result["high"].shape == (32, 32, 3)
    assert result["map"].shape == (32, 32)
    assert set(np.unique(result["map"])) <= {0, 9, 200}
    if size == (64, 64):
        means = sample["high"].reshape(32, 2, 32, 2, 3).mean((1, 3))
        assert np.abs(result["high"] - means).max() <= 1  # rounded along rows, then along columns
        assert np.array_equal(result["map"], sample["map"][1::2, 1::2])


def test_resize_crop_keeps_map_and_image_together() -> None:
    from cfmrestore.datasets.transforms import ResizeCrop

    y, x = np.mgrid[:300, :170]
    labels = ((y > 140) + 2 * (x > 80)).astype(np.uint8)
    result = ResizeCrop(size=32)({"high": np.stack([labels * 60] * 3, axis=2), "map": labels}, 0)
    off = np.abs(result["high"][..., 0].astype(int) - result["map"] * 60) > 30
    assert off.mean() < 0.04


def test_resize_crop_refuses_pairs_and_nothing() -> None:
    from cfmrestore.datasets.transforms import ResizeCrop

    pixels = np.zeros((8, 8, 3), np.uint8)
    with pytest.raises(ValueError, match="changes the sizes of pairs"):
        ResizeCrop(size=4)({"high": pixels, "low": pixels}, 0)
    with pytest.raises(ValueError, match="size must be 1 pixel or more"):
        ResizeCrop(size=0)


def test_an_image_folder_has_no_label_and_no_map(tmp_path: Path) -> None:
    assert set(ImageFolder(data_root=str(write_images(tmp_path)))[0]["inputs"]) == {"high"}
