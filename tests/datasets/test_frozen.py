"""Frozen sets are held against their manifests."""

from pathlib import Path

import pytest

from cfmrestore.apis.degrade import degrade
from cfmrestore.datasets.frozen import verify
from tests.apis.test_degrade import pixels
from tests.testing import write_images


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = write_images(tmp_path / "photos", count=3, side=50)
    write_images(folder / "deep", count=1, side=41, suffix=".jpg")
    return folder


def test_a_frozen_set_is_held_against_its_manifest(photos: Path, tmp_path: Path) -> None:
    degrade(photos, "bicubic", tmp_path / "set", freeze=True)
    assert pixels(tmp_path / "set" / "high")["0.png"].shape == (48, 48, 3)  # whole multiples of the scale
    assert pixels(tmp_path / "set" / "low")["0.png"].shape == (12, 12, 3)
    assert verify(tmp_path / "set") == 4
    image = tmp_path / "set" / "low" / "1.png"
    whole = image.read_bytes()
    image.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(ValueError, match=r"1 files of .* are not as frozen: low/1\.png"):
        verify(tmp_path / "set")
    image.unlink()
    with pytest.raises(ValueError, match="not as frozen"):
        verify(tmp_path / "set")
    with pytest.raises(ValueError, match="is no frozen set"):
        verify(photos)
