"""Pictures are written with all that belongs to them, whole or not at all."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest
import pyvips
from PIL import Image

from cfmrestore.imageio import (
    Metadata,
    Picture,
    check_writable,
    color_of,
    flattened,
    read_picture,
    tiff,
    write_picture,
)
from cfmrestore.imageio.picture import rounded
from tests.imageio.files import GRAY_ICC, IPTC, RGB_ICC, load, metadata, pixels

KINDS = [".png", ".jpg", ".webp", ".tif", ".avif"]


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("suffix", [".png", ".TIF", "big.tiff"])
def test_lossless_files_are_read_again_equal(
    tmp_path: Path, suffix: str, bits: int, channels: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    if suffix.startswith("big"):
        monkeypatch.setattr(tiff, "_SMALL", 0)
    path = tmp_path / f"grün ☃ [2]{suffix}"
    picture = Picture(pixels(channels, bits, (150, 23)), metadata(channels), suffix[1:])
    write_picture(path, picture)
    again = read_picture(path)
    assert np.array_equal(again.pixels, picture.pixels)
    assert again.pixels.dtype == picture.pixels.dtype
    assert (again.metadata.icc, again.metadata.xmp) == (picture.metadata.icc, picture.metadata.xmp)
    assert again.metadata.dpi == (300, 72)
    old, new = load(picture.metadata.exif), load(again.metadata.exif)
    for tag in (0x8769, 0x8825):
        assert dict(new.get_ifd(tag)) == dict(old.get_ifd(tag))
    assert new[0x0110] == old[0x0110]
    write_picture(path, again)
    assert read_picture(path).metadata == again.metadata
    if suffix.startswith("big"):
        assert path.read_bytes()[2:4] == b"+\0"


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("suffix", [".png", ".tiff"])
def test_other_libraries_read_what_is_written(tmp_path: Path, suffix: str, bits: int, channels: int) -> None:
    picture = Picture(pixels(channels, bits, (300, 400)), metadata(channels), "png")
    if (suffix, bits, channels) == (".tiff", 8, 4):
        picture.pixels[..., 3] = 255  # OpenCV multiplies colors by alpha here
    write_picture(tmp_path / f"a{suffix}", picture)
    values = cv2.imdecode(np.fromfile(tmp_path / f"a{suffix}", np.uint8), cv2.IMREAD_UNCHANGED)
    assert values.dtype == picture.pixels.dtype
    order = {1: [0], 3: [2, 1, 0], 4: [2, 1, 0, 3]}[channels]
    assert np.array_equal(values.reshape(300, 400, channels)[..., order], picture.pixels)
    with Image.open(tmp_path / f"a{suffix}") as image:
        assert image.info["icc_profile"] == picture.metadata.icc
        assert image.info["dpi"] == pytest.approx((300, 72), abs=0.1)
        assert image.getexif().get_ifd(0x8769)[0x8827] == 400
        if bits == 8:
            assert np.array_equal(np.asarray(image).reshape(picture.pixels.shape), picture.pixels)


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("channels", [1, 3])
def test_jpeg_keeps_gray_and_full_color(tmp_path: Path, channels: int, bits: int) -> None:
    smooth = np.linspace(0, 2**bits - 1, 64 * 48 * channels).reshape(48, 64, channels).astype(f"uint{bits}")
    picture = Picture(smooth, metadata(channels), "jpeg")
    write_picture(tmp_path / "a.jpg", picture)
    again = read_picture(tmp_path / "a.jpg")
    assert np.abs(again.pixels.astype(int) - rounded(picture).pixels).max() < 8
    assert again.metadata == picture.metadata
    with Image.open(tmp_path / "a.jpg") as image:
        assert all(layer[1:3] == (1, 1) for layer in image.layer)
    write_picture(tmp_path / "coarse.jpg", picture, quality=20)
    assert (tmp_path / "coarse.jpg").stat().st_size < (tmp_path / "a.jpg").stat().st_size


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("suffix", [".webp", ".avif"])
def test_webp_and_avif_keep_colors_alpha_and_metadata(tmp_path: Path, suffix: str, channels: int) -> None:
    smooth = np.linspace(0, 255, 64 * 48 * channels).reshape(48, 64, channels).astype(np.uint8)
    if channels == 4:
        smooth[..., 3] = 255 * (smooth[..., 3] > 99)
    write_picture(tmp_path / f"a{suffix}", Picture(smooth, metadata(3), "png"))
    again = read_picture(tmp_path / f"a{suffix}")
    assert np.abs(again.pixels.astype(int) - smooth).max() < 12  # also below transparent pixels
    kept = metadata(3)
    assert (again.metadata.icc, again.metadata.exif, again.metadata.xmp) == (kept.icc, kept.exif, kept.xmp)


def test_nothing_is_invented(tmp_path: Path) -> None:
    for suffix in KINDS:
        write_picture(tmp_path / f"a{suffix}", Picture(pixels(3), Metadata(), "png"))
        assert read_picture(tmp_path / f"a{suffix}").metadata == Metadata()
    write_picture(tmp_path / "a.jpg", Picture(pixels(3), Metadata(exif=metadata(3).exif), "png"))
    assert read_picture(tmp_path / "a.jpg").metadata == Metadata(exif=metadata(3).exif)


def test_icc_of_another_color_space_is_left_out(tmp_path: Path) -> None:
    for suffix in (".png", ".jpg", ".tif"):
        for channels, icc in ((1, RGB_ICC), (3, GRAY_ICC)):
            write_picture(tmp_path / f"a{suffix}", Picture(pixels(channels), Metadata(icc=icc), "png"))
            assert "icc_profile" not in Image.open(tmp_path / f"a{suffix}").info


def test_iptc_is_kept(tmp_path: Path) -> None:
    write_picture(tmp_path / "a.jpg", Picture(pixels(3), Metadata(iptc=IPTC), "jpeg"))
    picture = read_picture(tmp_path / "a.jpg")
    assert picture.metadata == Metadata(iptc=IPTC)
    write_picture(tmp_path / "b.tif", picture)
    with Image.open(tmp_path / "b.tif") as image:
        assert image.tag_v2[33723] == IPTC  # type: ignore[attr-defined]
    assert load(read_picture(tmp_path / "b.tif").metadata.exif)[33723] == IPTC


def test_metadata_that_jpeg_cannot_hold_is_left_out_aloud(tmp_path: Path) -> None:
    made = Image.Exif()
    made[0x010E] = "x" * 70000
    picture = Picture(pixels(3), Metadata(exif=made.tobytes(), xmp=b"x" * 70000, iptc=b"x" * 70000), "png")
    with pytest.warns(UserWarning, match=r"JPEG holds .* bytes of (exif|xmp|iptc): .*a\.jpg"):
        write_picture(tmp_path / "a.jpg", picture)
    assert read_picture(tmp_path / "a.jpg").metadata == Metadata()


def test_16_bits_are_rounded_to_the_nearest() -> None:
    values = np.arange(65536, dtype=np.uint16).reshape(256, 256, 1)
    assert np.array_equal(rounded(Picture(values, Metadata(), "png")).pixels, np.rint(values / 257).astype(np.uint8))


def test_files_do_not_depend_on_threads(tmp_path: Path) -> None:
    before = pyvips.voperation.concurrency_get()
    for suffix in (".png", ".tif"):
        files = []
        for threads in (1, 3):
            pyvips.voperation.concurrency_set(threads)
            write_picture(tmp_path / f"{threads}{suffix}", Picture(pixels(3, 16, (700, 600)), metadata(3), "png"))
            files.append((tmp_path / f"{threads}{suffix}").read_bytes())
        assert files[0] == files[1]
    pyvips.voperation.concurrency_set(before)


@pytest.mark.parametrize(
    ("name", "size", "alpha", "bits", "message"),
    [
        ("a.jpg", (8, 8), True, 8, "JPEG has no alpha"),
        ("a.jpg", (8, 65536), False, 8, "65535 pixels a side"),
        ("a.webp", (16384, 8), False, 8, "16383 pixels a side"),
        ("a.bmp", (8, 8), False, 8, r"\.png .*\.tiff"),
        ("a", (8, 8), False, 8, "suffix"),
        ("a.png", (8, 8), False, 12, "8 or 16 bits"),
    ],
)
def test_what_a_format_cannot_hold_is_refused_before(
    name: str, size: tuple[int, int], alpha: bool, bits: int, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        check_writable(name, size, alpha=alpha, bits=bits)


def test_what_a_format_can_hold_is_allowed() -> None:
    check_writable("a.JPG", (65535, 8), alpha=False, bits=16)
    check_writable("a.webp", (16383, 8), alpha=True, bits=16)
    check_writable("a.png", (70000, 70000), alpha=True, bits=16)
    check_writable("a.tif", (70000, 70000), alpha=True, bits=16)


def test_a_folder_that_takes_no_files_is_refused_before(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    check_writable(tmp_path / "new" / "deep" / "a.png", (8, 8), alpha=False, bits=8)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    for folder in (tmp_path / "file", tmp_path / "file" / "deep", Path("/proc")):
        if folder != Path("/proc") or folder.is_dir():
            with pytest.raises(ValueError, match=f"the folder '{folder}' cannot be written into: name another$"):
                check_writable(folder / "a.png", (8, 8), alpha=False, bits=8)


@pytest.mark.parametrize("suffix", KINDS)
def test_a_full_disk_leaves_no_half_file(tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / f"a{suffix}"
    write_picture(path, Picture(pixels(3), Metadata(), "png"))
    before = path.read_bytes()
    monkeypatch.setattr("os.getpid", lambda: 7)  # the name of the unfinished file is known
    monkeypatch.setattr("threading.get_native_id", lambda: 5)
    monkeypatch.setattr("cfmrestore.imageio.vips._writer", None)
    (tmp_path / f".a{suffix}.5.7.tmp").symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left"):
        write_picture(path, Picture(pixels(3, size=(500, 400)), Metadata(), "png"))
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_names_as_long_as_a_file_system_has_them(tmp_path: Path) -> None:
    path = tmp_path / ("照" * 80 + ".png")  # 244 bytes
    write_picture(path, Picture(pixels(3, 8, (4, 4)), Metadata(), "png"))
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_threads_that_write_one_file(tmp_path: Path) -> None:
    def write(number: int) -> None:
        for _ in range(20):
            write_picture(tmp_path / "a.png", Picture(np.full((64, 64, 3), number, np.uint8), Metadata(), "png"))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))
    assert np.unique(read_picture(tmp_path / "a.png").pixels).size == 1
    assert [file.name for file in tmp_path.iterdir()] == ["a.png"]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_picture_before_a_color(dtype: type) -> None:
    top = np.iinfo(dtype).max
    gray = Picture(np.array([[[top, top // 5], [0, top], [top // 2, 0]]], dtype), Metadata(icc=GRAY_ICC), "png")
    flat = flattened(gray, color_of("black"))
    assert flat.pixels[..., 0].tolist() == [[top // 5, 0, 0]]
    assert flat.metadata.icc == GRAY_ICC
    colored = flattened(gray, color_of("#ff0000"))
    assert colored.pixels.tolist() == [[[top, top // 5, top // 5], [0, 0, 0], [top, 0, 0]]]
    assert colored.metadata.icc is None
    assert flattened(colored, (0, 0, 0)) is colored
