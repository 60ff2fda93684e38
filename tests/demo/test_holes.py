"""Holes of an upload: what a stroke or the file of a mask becomes, and that all else stays as it is in the file."""

from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from cfmrestore.demo import uploads
from cfmrestore.demo.holes import CANVAS_BYTES, CANVAS_SIDE, canvas_of, holes_of
from cfmrestore.restore import Restorer
from tests.restore.flows import random_flow

LIMITS = uploads.Limits(max_side=64, max_bytes=200_000)
INPAINT = {"conditions": [{"type": "Inpaint", "fill": "smooth"}], "scale": 1}
SIZE = (40, 20)


@pytest.fixture(scope="module")
def restorer() -> Restorer:
    return Restorer(random_flow(**INPAINT), device="cpu")


def save_layer(path: Path, size: tuple[int, int], box: tuple[int, int, int, int], alpha: int = 153) -> Path:
    """An empty layer with a stroke, whose rim is faint."""
    layer = np.zeros((size[1], size[0], 4), np.uint8)
    left, top, right, bottom = box
    layer[top - 2 : bottom + 2, left - 2 : right + 2] = (20, 184, 166, alpha // 4)
    layer[top:bottom, left:right] = (20, 184, 166, alpha)
    Image.fromarray(layer).save(path)
    return path


def save_mask(path: Path, size: tuple[int, int] = SIZE, *, inverted: bool = False) -> Path:
    mask = np.zeros(size[::-1], np.uint8)
    mask[3:7, 20:30] = 255
    Image.fromarray(255 - mask if inverted else mask).save(path)
    return path


def holes(painted: Path | None = None, file: Path | None = None, size: tuple[int, int] = SIZE) -> np.ndarray:
    return np.asarray(holes_of(size, painted=painted, file=file, limits=LIMITS)) > 0


def test_one_paints_on_a_canvas_of_one_size(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("I;16", SIZE, 257 * 90).save(tmp_path / "deep.png")
    Image.new("RGB", SIZE).save(tmp_path / "turned.jpg", exif=exif)
    canvas = canvas_of(tmp_path / "deep.png", LIMITS)
    assert (canvas.size, canvas.getpixel((0, 0))) == ((CANVAS_SIDE, CANVAS_SIDE // 2), 90)
    assert canvas_of(tmp_path / "turned.jpg", LIMITS).size == (CANVAS_SIDE // 2, CANVAS_SIDE)
    Image.new("RGB", (65, 4)).save(tmp_path / "wide.png")
    with pytest.raises(ValueError, match=r"65 x 4\. At most 64 pixels"):
        canvas_of(tmp_path / "wide.png", LIMITS)


@pytest.mark.parametrize("scale", [1, 4])
def test_strokes_have_the_pictures_size(tmp_path: Path, scale: int) -> None:
    size, box = (SIZE[0] * scale, SIZE[1] * scale), (5 * scale, 4 * scale, 15 * scale, 12 * scale)
    expected = np.zeros(SIZE[::-1], bool)
    expected[4:12, 5:15] = True
    assert np.array_equal(holes(save_layer(tmp_path / "layer.png", size, box)), expected)
    expected[3:7, 20:30] = True
    assert np.array_equal(holes(tmp_path / "layer.png", save_mask(tmp_path / "mask.png")), expected)


def test_a_mask_of_a_file_alone(tmp_path: Path) -> None:
    found = holes(file=save_mask(tmp_path / "mask.png"))
    assert found.sum() == 40
    assert found[3:7, 20:30].all()


def test_what_is_no_hole_is_told(tmp_path: Path) -> None:
    Image.new("RGBA", SIZE).save(tmp_path / "empty.png")
    for painted in (None, tmp_path / "empty.png"):
        with pytest.raises(ValueError, match=r"^Paint over what is to be filled\.$"):
            holes(painted)
    with pytest.raises(ValueError, match="not of this picture's shape"):
        holes(save_layer(tmp_path / "layer.png", (80, 80), (5, 5, 9, 9)))
    with pytest.raises(ValueError, match="a mask has the size of its image; got 12x9 pixels for 40x20"):
        holes(file=save_mask(tmp_path / "small.png", (12, 9)))
    with pytest.raises(ValueError, match=r"seems to be inverted: white \(1\) is the hole"):
        holes(file=save_mask(tmp_path / "inverted.png", inverted=True))
    Image.new("L", SIZE).save(tmp_path / "black.png")
    with pytest.raises(ValueError, match="the mask has no hole"):
        holes(file=tmp_path / "black.png")


def test_layers_and_masks_are_data(tmp_path: Path) -> None:
    (tmp_path / "evil.png").write_text("no picture")
    for given in ({"painted": tmp_path / "evil.png"}, {"file": tmp_path / "evil.png"}):
        with pytest.raises(ValueError, match="This is no picture"):
            holes(**given)
    Image.new("L", (65, 4)).save(tmp_path / "wide.png")
    with pytest.raises(ValueError, match="At most 64 pixels"):
        holes(file=tmp_path / "wide.png")
    Image.new("RGBA", (2 * CANVAS_SIDE + 1, 8)).save(tmp_path / "large.png")
    with pytest.raises(ValueError, match=f"At most {2 * CANVAS_SIDE} pixels"):
        holes(tmp_path / "large.png")
    for given, most in (("file", LIMITS.max_bytes), ("painted", CANVAS_BYTES)):
        (tmp_path / "heavy.png").write_bytes(bytes(most + 1))
        with pytest.raises(ValueError, match=rf"{most + 1:,} bytes\. At most"):
            holes(**{given: tmp_path / "heavy.png"})


def fill(restorer: Restorer, folder: Path, source: Path, layer: Path, **settings: int) -> uploads.PageResult:
    return uploads.restore_upload(
        restorer, source, uploads.PageSettings(scale=1, **settings), limits=LIMITS, folder=folder / "results",
        on_progress=lambda _: None, holes=partial(holes_of, painted=layer, file=None, limits=LIMITS),
    )  # fmt: skip


@pytest.mark.parametrize("mode", ["RGB", "L", "I;16", "LA", "RGBA"])
def test_what_is_known_stays_bit_for_bit(restorer: Restorer, tmp_path: Path, mode: str) -> None:
    channels = {"L": 1, "I;16": 1, "LA": 2, "RGB": 3, "RGBA": 4}[mode]
    top, dtype = (65536, np.uint16) if mode == "I;16" else (256, np.uint8)
    pixels = np.random.default_rng(0).integers(0, top, (SIZE[1], SIZE[0], channels)).astype(dtype)
    if mode in ("LA", "RGBA"):
        pixels[..., -1] = 255
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    keys = {"icc_profile": profile} if mode == "RGB" else {}
    Image.fromarray(pixels.squeeze()).save(tmp_path / "a b.png", **keys)
    layer = save_layer(tmp_path / "layer.png", (CANVAS_SIDE, CANVAS_SIDE // 2), (256, 128, 512, 256))
    result = fill(restorer, tmp_path, tmp_path / "a b.png", layer)
    assert result.restored[0].file.name == "a_b-inpainted.png"
    with Image.open(result.restored[0].file) as image:
        filled = np.asarray(image).reshape(pixels.shape)
        assert image.info.get("icc_profile") == keys.get("icc_profile")
    hole = holes(layer)
    assert hole.sum() == 50
    assert filled.dtype == pixels.dtype
    assert np.array_equal(filled[~hole], pixels[~hole])
    assert not np.array_equal(filled[hole], pixels[hole])
    assert "40 x 20 pixels, 6.2% of them filled, seed 0" in result.summary


def test_samples_differ_in_the_holes_alone(restorer: Restorer, tmp_path: Path) -> None:
    Image.new("RGB", SIZE, (10, 60, 200)).save(tmp_path / "a.png")
    layer = save_layer(tmp_path / "layer.png", SIZE, (10, 5, 20, 10))
    result = fill(restorer, tmp_path, tmp_path / "a.png", layer, samples=2)
    assert [files.file.name for files in result.restored] == ["a-inpainted-1.png", "a-inpainted-2.png"]
    first, second = (np.asarray(Image.open(files.file)).astype(int) for files in result.restored)
    differ = (first != second).any(axis=-1)
    assert differ.any()
    assert not differ[~holes(layer)].any()
    assert result.spread is not None


def test_a_model_says_what_it_needs(restorer: Restorer) -> None:
    assert restorer.needs == {"mask"}
    assert Restorer(random_flow(), device="cpu").needs == frozenset()
