"""What images show: tables of attributes, drawn avatars, digits."""

from pathlib import Path

import numpy as np
import pytest
import torch

from cfmrestore.datasets import AttributeFolder, Avatars, Digits, Draw, ImageFolder
from cfmrestore.datasets.avatars import ATTRIBUTES, avatar, draw_attributes
from tests.testing import write_images


def folder(root: Path, text: str, name: str = "table.csv", **keys: object) -> AttributeFolder:
    write_images(root, count=3)
    (root / name).write_text(text)
    return AttributeFolder(data_root=str(root), **keys)


def names(root: Path) -> list[str]:
    write_images(root, count=3)
    return [ImageFolder(data_root=str(root)).name(index) for index in range(3)]


def test_a_csv_file_tells_each_image(tmp_path: Path) -> None:
    a, b, c = names(tmp_path)
    data = folder(tmp_path, f"filename, smile,hat,label\n{a},1,0,2\n{c}, -1 ,,0\n{b},true,no,1\n")
    assert [data.name(index) for index in range(3)] == [a, c, b]
    assert data.attributes(0) == {"smile": True, "hat": False}
    assert data.attributes(1) == {"smile": False, "hat": None}
    assert [data.label(index) for index in range(3)] == [2, 0, 1]
    assert data[0]["inputs"]["high"].shape[0] == 3
    assert int(data[0]["inputs"]["label"]) == 2


def test_the_list_of_celeba_is_read(tmp_path: Path) -> None:
    a, b, _ = names(tmp_path)
    data = folder(tmp_path, f"2\nSmiling Young\n{a} -1  1\n{b}  1 -1\n", "list_attr_celeba.txt",
                  table=str(tmp_path / "list_attr_celeba.txt"))  # fmt: skip
    assert [data.attributes(index)["Smiling"] for index in range(2)] == [False, True]
    assert data.metainfo["attributes"] == ("Smiling", "Young")
    assert data.label(0) is None


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("filename,smile\nabsent.png,1\n", "lacks 1 images that table.csv names: absent.png"),
        ("filename,smile\n../other/IMAGE,1\n", "names '../other/.*', which is not in"),
        ("filename,smile\n/etc/IMAGE,1\n", "names '/etc/.*', which is not in"),
        ("filename,smile\nIMAGE,2\n", "an attribute of '.*' is 1, 0, -1 or empty; got '2'"),
        ("filename,smile\nIMAGE,1,0\n", "has 2 values of 1 attributes"),
        ("filename,label\nIMAGE,one\n", "the label of '.*' is an integer from 0; got 'one'"),
        ("filename,smile\n", "is no table of attributes"),
        ("", "is no table of attributes"),
    ],
)
def test_a_table_that_is_wrong_is_named(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        folder(tmp_path, text.replace("IMAGE", names(tmp_path)[0]))


def test_a_folder_without_a_table_says_so(tmp_path: Path) -> None:
    write_images(tmp_path, count=1)
    with pytest.raises(ValueError, match="has 0 CSV files: name the table"):
        AttributeFolder(data_root=str(tmp_path))


def test_an_avatar_is_that_of_its_seed_epoch_and_number() -> None:
    one, same, other = Avatars(seed=1), Avatars(seed=1), Avatars(seed=2)
    first = one[Draw(5, 2, 0)]["inputs"]["high"]
    assert first.shape == (3, 64, 64)
    assert torch.equal(first, same[Draw(5, 2, 7)]["inputs"]["high"])
    for different in (one[Draw(5, 3, 0)], one[Draw(6, 2, 0)], other[Draw(5, 2, 0)]):
        assert not torch.equal(first, different["inputs"]["high"])
    held = [Avatars(split="held_out", seed=seed, length=4)[Draw(3, epoch, 0)]["inputs"]["high"] for seed, epoch in
            ((1, 0), (2, 5))]  # fmt: skip
    assert torch.equal(*held)
    for keys in ({"length": 0}, {"size": 8}):
        with pytest.raises(ValueError, match="a length of 1 or more and a side of 16 pixels or more"):
            Avatars(**keys)


def test_attributes_are_those_that_are_drawn_and_independent() -> None:
    data = Avatars(seed=3, length=400)
    shown = np.array([[data.attributes(index)[name] for name in ATTRIBUTES] for index in range(400)])
    assert np.abs(shown.mean(0) - 0.5).max() < 0.1
    correlations = np.corrcoef(shown.T) - np.eye(5)
    assert np.abs(correlations).max() < 0.2
    pixels = np.stack([data[index]["inputs"]["high"].numpy() for index in range(60)]).astype(float)
    dark = shown[:60, ATTRIBUTES.index("dark_skin")]
    face = pixels[:, :, 34:38, 24:26].mean(axis=(1, 2, 3))
    assert face[dark].mean() < face[~dark].mean() - 50


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_another_attribute_leaves_the_rest_of_an_avatar(name: str) -> None:
    for seed in range(3):
        shown = draw_attributes(np.random.default_rng(100 + seed)) | {"hat": name == "hat"}
        both = [avatar({**shown, name: has}, np.random.default_rng(seed), 64).astype(int) for has in (False, True)]
        changed = np.abs(both[0] - both[1]).max(axis=2) > 8
        assert 0.005 < changed.mean() < 0.5
        assert not changed[:3].any()


def test_digits_are_thick_and_named() -> None:
    data = Digits(split="all")
    shown = [data.attributes(index) for index in range(len(data))]
    labels = np.array([data.label(index) for index in range(len(data))])
    assert all(
        one[str(label)] and sum(one[str(k)] for k in range(10)) == 1 for one, label in zip(shown, labels, strict=True)
    )
    thick = np.array([one["thick"] for one in shown])
    for digit in range(10):
        assert 0.45 < thick[labels == digit].mean() <= 0.5
    part = Digits(split="held_out")
    assert part.attributes(3)["thick"] == shown[int(part.name(3))]["thick"]


def test_whether_a_digit_is_thick_is_not_apart_from_which_it_is() -> None:
    """What docs/boundaries.md says of an 8 that becomes a 3 by hand."""
    pytest.importorskip("sklearn")
    data = Digits(split="all")
    eight, three = (data.images[data.labels == label] / 255 for label in (8, 3))
    more = eight.mean(axis=0) - three.mean(axis=0)

    def stay(before: np.ndarray, after: np.ndarray) -> float:
        sides = [ink > np.median(ink) for ink in (images.sum(axis=(1, 2)) for images in (before, after))]
        return float((sides[0] == sides[1]).mean())

    erased = [stay(eight, eight * (more < share)) for share in (0.1, 0.15, 0.2, 0.3)]
    assert erased == sorted(erased)
    assert (erased[0], erased[-1]) == pytest.approx((0.75, 0.87), abs=0.01)
    assert stay(eight, (eight - more).clip(0, 1)) == pytest.approx(0.93, abs=0.01)
    assert stay(three, (three + more).clip(0, 1)) == pytest.approx(0.96, abs=0.01)
    assert stay(eight, eight - more) == 1  # what no pixels can be
