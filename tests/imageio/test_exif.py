"""EXIF and XMP say what is true of upright pixels of another size, and all the rest as before."""

import struct
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image

from cfmrestore.imageio import Metadata, read_picture, write_picture
from cfmrestore.imageio.ifd import LONG, SHORT, Layout, append, pack
from cfmrestore.imageio.orientation import upright
from cfmrestore.imageio.picture import resized_metadata
from tests.imageio.files import MAKER_NOTE, XMP, exif, load, pixels


@pytest.mark.parametrize("last", [True, False])
def test_a_stale_thumbnail_is_dropped_and_makers_notes_stay_where_they_were(tmp_path: Path, last: bool) -> None:
    layout = Layout("<", big=False)
    data = bytearray(struct.pack("<2sHI", b"II", 42, 0))
    notes = append(data, layout, [(0x927C, 7, len(MAKER_NOTE), MAKER_NOTE)])
    tags = [(0x010F, 2, 6, b"Maker\0"), pack(layout, 0x0112, SHORT, 3), pack(layout, 0x8769, LONG, notes)]
    first = append(data, layout, tags) if last else 0
    second = append(data, layout, [pack(layout, 0x0201, LONG, len(data) + 30), pack(layout, 0x0202, LONG, 10)])
    data += b"THUMBNAILS"
    first = first or append(data, layout, tags)
    struct.pack_into("<I", data, 4, first)
    struct.pack_into("<I", data, first + 2 + 3 * 12, second)
    assert 0x0201 in load(bytes(data)).get_ifd(ExifTags.IFD.IFD1)
    Image.new("RGB", (9, 8)).save(tmp_path / "a.jpg", exif=b"Exif\0\0" + data)
    write_picture(tmp_path / "b.jpg", read_picture(tmp_path / "a.jpg"))
    with Image.open(tmp_path / "b.jpg") as image:
        kept = image.info["exif"]
    assert b"THUMB" not in kept
    assert not load(kept).get_ifd(ExifTags.IFD.IFD1)
    assert dict(load(kept)) == {0x010F: "Maker", 0x8769: notes}
    assert kept.index(MAKER_NOTE) - 6 == data.index(MAKER_NOTE)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp"])
@pytest.mark.parametrize("broken", [b"Exif\0\0nonsense", b"", exif().tobytes()[:30]])
def test_broken_exif_does_not_make_a_picture_unreadable(tmp_path: Path, suffix: str, broken: bytes) -> None:
    Image.new("RGB", (9, 8)).save(tmp_path / f"a{suffix}", exif=broken)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert read_picture(tmp_path / f"a{suffix}").metadata.exif is None


@pytest.mark.parametrize("order", ["<", ">"])
def test_sizes_in_exif_and_xmp_follow_the_picture(order: str) -> None:
    layout = Layout(order, big=False)  # type: ignore[arg-type]
    data = bytearray(struct.pack(f"{order}2sHI", b"II" if order == "<" else b"MM", 42, 0))
    inner = append(data, layout, [pack(layout, 0xA002, SHORT, 7), pack(layout, 0xA003, SHORT, 11)])
    tags = [pack(layout, 0x0100, SHORT, 7), pack(layout, 0x0101, LONG, 11), pack(layout, 0x8769, LONG, inner)]
    struct.pack_into(f"{order}I", data, 4, append(data, layout, tags))
    new = resized_metadata(Metadata(exif=b"Exif\0\0" + data, xmp=XMP, dpi=(72, 72)), (88000, 56000))
    kept = load(new.exif)
    assert (kept[0x0100], kept[0x0101]) == (56000, 88000)
    assert (kept.get_ifd(0x8769)[0xA002], kept.get_ifd(0x8769)[0xA003]) == (56000, 88000)
    assert b'exif:PixelXDimension="56000"' in (new.xmp or b"")
    assert new.dpi == (72, 72)
    assert resized_metadata(Metadata(), (1, 1)) == Metadata()


@pytest.mark.parametrize("suffix", [".jpg", ".webp", ".tif"])
@pytest.mark.parametrize("with_exif", [True, False])
def test_xmp_calls_the_picture_upright(tmp_path: Path, suffix: str, with_exif: bool) -> None:
    path = tmp_path / f"a{suffix}"
    Image.new("RGB", (9, 8)).save(path, xmp=XMP, **({"exif": exif(6)} if with_exif else {}))
    if suffix == ".tif":
        Image.new("RGB", (9, 8)).save(path, tiffinfo={700: XMP} | ({0x0112: 6} if with_exif else {}))
    picture = read_picture(path)
    assert picture.metadata.xmp == XMP.replace(b'"6"', b'"1"')
    assert picture.size == (9, 8)  # turned
    write_picture(path, picture)
    assert read_picture(path).size == (9, 8)


def test_a_mirror_in_place_of_a_turn_would_be_seen() -> None:
    values = pixels(3)
    assert len({upright(values, kind).tobytes() for kind in range(1, 9)}) == 8
    assert np.array_equal(upright(values, 6), np.rot90(values, -1))
