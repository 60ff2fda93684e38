"""Hugging Face datasets on disk: each image by its number, decoded as any file; what is missing is named."""

import pickle
import sys
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pyarrow
import pytest
import torch
from mmengine.dataset import pseudo_collate
from pyarrow import parquet

from cfmrestore.contracts import CONTRACTS
from cfmrestore.datasets import HuggingFaceDataset, Mixture
from cfmrestore.imageio import read_image
from tests.datasets.tar_shards import picture, write_shards
from tests.datasets.test_web_dataset import CROP, DEGRADATION, drawn
from tests.testing import write_images

NAMES = ["cat", "dog", "fox"]


def table(count: int = 7, first: int = 0) -> datasets.Dataset:
    features = datasets.Features({"image": datasets.Image(), "label": datasets.ClassLabel(names=NAMES)})
    images = [{"bytes": picture(first + number), "path": None} for number in range(count)]
    columns = {"image": images, "label": [number % 3 for number in range(count)]}
    return datasets.Dataset.from_dict(columns, features=features)


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("saved") / "data"
    table().save_to_disk(folder)
    return str(folder)


def build(tmp_path: Path, **keys: Any) -> HuggingFaceDataset:
    return HuggingFaceDataset(cache_dir=str(tmp_path / "cache"), **keys)


def same(data: HuggingFaceDataset, first: int = 0) -> bool:
    found = [data[index]["inputs"]["high"].numpy().transpose(1, 2, 0) for index in range(len(data))]
    return all(np.array_equal(one, read_image(picture(first + number))) for number, one in enumerate(found))


def test_saved_folders(tmp_path: Path, saved: str) -> None:
    data = build(tmp_path, path=saved, label="label")
    assert len(data) == 7
    assert same(data)
    assert data.metainfo == {"classes": tuple(NAMES)}
    assert [int(data[index]["inputs"]["label"]) for index in range(7)] == [0, 1, 2, 0, 1, 2, 0]
    assert "label" not in build(tmp_path, path=saved)[0]["inputs"]
    splits = datasets.DatasetDict({"train": table(3), "test": table(2, first=50)})
    splits.save_to_disk(tmp_path / "both")
    assert same(build(tmp_path, path=str(tmp_path / "both"), split="test"), first=50)
    with pytest.raises(ValueError, match="has the splits test, train: name one; got None"):
        build(tmp_path, path=str(tmp_path / "both"))


def test_parquet_with_and_without_the_packages_types(tmp_path: Path) -> None:
    for name in ("typed", "plain", "structs"):
        (tmp_path / name).mkdir()
    table().to_parquet(tmp_path / "typed" / "train-00000-of-00001.parquet")
    files = [picture(number) for number in range(3)]
    parquet.write_table(pyarrow.table({"photo": files}), tmp_path / "plain" / "a.parquet")
    structs = [{"bytes": one, "path": f"{number}.png"} for number, one in enumerate(files)]
    parquet.write_table(pyarrow.table({"photo": structs}), tmp_path / "structs" / "a.parquet")
    assert len(build(tmp_path, path=str(tmp_path / "typed"), split="train[2:]")) == 5
    assert same(build(tmp_path, path=str(tmp_path / "typed"), split="train"))
    for name in ("plain", "structs"):
        assert same(build(tmp_path, path=str(tmp_path / name), column="photo"))


def test_a_folder_of_images_and_of_classes(tmp_path: Path) -> None:
    for number, name in enumerate(("cat", "dog")):
        write_images(tmp_path / "images" / name, count=2, seed=number)
    (tmp_path / "link").symlink_to(tmp_path / "images")
    for folder in ("images", "link", "images/../images"):
        data = build(tmp_path, path=str(tmp_path / folder), label="label")
        assert data.metainfo == {"classes": ("cat", "dog")}
        assert [int(data[index]["inputs"]["label"]) for index in range(4)] == [0, 0, 1, 1]


def test_no_file_elsewhere_is_read(tmp_path: Path) -> None:
    secret = write_images(tmp_path / "elsewhere", count=1) / "0.png"
    (tmp_path / "data").mkdir()
    kind = pyarrow.struct([("bytes", pyarrow.binary()), ("path", pyarrow.string())])
    names = [str(secret), str(tmp_path / "data" / ".." / "elsewhere" / "0.png"), "https://127.0.0.1:1/0.png"]
    rows = pyarrow.array([{"bytes": None, "path": name} for name in names], type=kind)
    parquet.write_table(pyarrow.table({"image": rows}), tmp_path / "data" / "a.parquet")
    data = build(tmp_path, path=str(tmp_path / "data"))
    for index in range(3):
        with pytest.raises(ValueError, match=r"its table names the file .*, which is not the dataset's"):
            data[index]


def test_the_order_outlives_stops_and_workers(tmp_path: Path, saved: str) -> None:
    keys = {"path": saved, "pipeline": CROP}
    whole = drawn(build(tmp_path, **keys), 0, 28, 0)
    assert sorted(name for name, _, _ in whole[:7]) == [f"{number:08d}" for number in range(7)]
    for workers in (0, 1, 2):
        data = pickle.loads(pickle.dumps(build(tmp_path, **keys)))
        assert drawn(data, 0, 10, workers) + drawn(data, 10, 18, (workers + 1) % 3) == whole


def test_it_mixes_with_shards_and_folders_and_makes_its_inputs(tmp_path: Path, saved: str) -> None:
    own = {"degradation": DEGRADATION}
    mixed = Mixture(
        datasets=[
            {"type": "HuggingFaceDataset", "path": saved, **own},
            {"type": "WebDataset", "shards": write_shards(tmp_path), **own},
            {"type": "ImageFolder", "data_root": str(write_images(tmp_path / "a", count=2, side=16)), **own},
        ],
        weights=(1, 2, 3),
    )
    assert mixed.counts == [3, 6, 9]
    assert mixed.computes_order
    batch = pseudo_collate([mixed[index] for index in range(len(mixed))])["inputs"]
    assert {name: len(images) for name, images in batch.items()} == {"high": 18, "low": 18}
    assert not any(torch.equal(a, b) for a, b in zip(batch["high"], batch["low"], strict=True))


def test_what_the_hub_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def load(*args: Any, **keys: Any) -> datasets.Dataset:
        asked.append((*args, keys))
        return table(2)

    monkeypatch.setattr(datasets, "load_dataset", load)
    cache = str(tmp_path / "cache")
    assert same(build(tmp_path, path="org/name", subset="large", split="train", revision="v2"))
    assert same(build(tmp_path, path="org/name@v1", split="test"))
    assert asked == [
        ("org/name", "large", {"split": "train", "revision": "v2", "cache_dir": cache}),
        ("org/name", None, {"split": "test", "revision": "v1", "cache_dir": cache}),
    ]
    with pytest.raises(ValueError, match="org/name is of the hub: name the split"):
        build(tmp_path, path="org/name")

    def fail(*_: Any, **__: Any) -> None:
        raise ConnectionError("Couldn't reach\n'org/name'")

    monkeypatch.setattr(datasets, "load_dataset", fail)
    with pytest.raises(ValueError, match="cannot load the dataset 'org/name@v2': Couldn't reach 'org/name'"):
        build(tmp_path, path="org/name", split="train", revision="v2")


def test_mistakes_are_named(tmp_path: Path, saved: str, monkeypatch: pytest.MonkeyPatch) -> None:
    mistakes: list[tuple[dict[str, Any], str]] = [
        ({"path": "nowhere"}, "there is no folder 'nowhere', nor is that a name of the hub"),
        ({"path": saved, "revision": "v1"}, "of which there are no revisions; got revision='v1'"),
        ({"path": saved, "split": "val"}, "is the split None, and no other; got 'val'"),
        ({"path": saved, "column": "photo"}, r"no column 'photo' of images; of images it has \['image'\]"),
        ({"path": saved, "label": "image"}, r"no column 'image' of classes, but \['image', 'label'\]"),
    ]
    for keys, message in mistakes:
        with pytest.raises(ValueError, match=message):
            build(tmp_path, **keys)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="cannot load the dataset"):
        build(tmp_path, path=str(tmp_path / "empty"))
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(ValueError, match=r"needs the package datasets: pip install 'cfmrestore\[datasets\]'"):
        build(tmp_path, path=saved)


def test_a_damaged_image_and_one_without_a_class(tmp_path: Path) -> None:
    features = datasets.Features({"image": datasets.Image(), "label": datasets.ClassLabel(names=NAMES)})
    images = [{"bytes": picture(0)[:90], "path": None}, None, {"bytes": picture(1), "path": None}]
    columns = {"image": images, "label": [0, 1, -1]}
    datasets.Dataset.from_dict(columns, features=features).save_to_disk(tmp_path / "data")
    data = build(tmp_path, path=str(tmp_path / "data"), label="label")
    with pytest.raises(ValueError, match="00000000: cannot read 90 bytes"):
        data[0]
    with pytest.raises(ValueError, match="00000001: it has no image"):
        data[1]
    with pytest.raises(ValueError, match="00000002: image 2 has no class"):
        data[2]


def test_it_keeps_the_contract_of_datasets(tmp_path: Path, saved: str) -> None:
    contract = CONTRACTS["dataset"]
    data = contract.make("HuggingFaceDataset", {"path": saved, "label": "label", "cache_dir": str(tmp_path)})
    findings = list(contract.findings(data))
    assert [found.broken for found in findings if found.broken] == []
    assert [found.left_out for found in findings if found.left_out] == []
