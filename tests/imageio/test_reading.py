"""Image files are read without loss, and refused in one clear sentence."""

import struct
import warnings
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageCms

from cfmrestore.imageio import (
    Metadata,
    Picture,
    from_pil,
    images_by_name,
    list_images,
    read_image,
    read_label_map,
    read_picture,
    read_size,
    to_pil,
    write_picture,
)
from tests.imageio.files import MAKER_NOTE, RGB_ICC, XMP, chunk, exif, load, metadata, pixels, png, tiff

KINDS = [".jpg", ".png", ".webp", ".tiff", ".avif"]


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", KINDS)
def test_orientation_is_applied_and_the_rest_of_exif_kept(tmp_path: Path, orientation: int, suffix: str) -> None:
    lying = np.zeros((32, 64, 3), np.uint8)
    lying[:16, :16], lying[16:, :16], lying[:16, 48:] = (255, 0, 0), (0, 255, 0), (0, 0, 255)
    path = tmp_path / f"a{suffix}"
    Image.fromarray(lying).save(
        path, exif=exif(orientation).tobytes(), **({} if suffix == ".tiff" else {"quality": 100})
    )
    picture = read_picture(path)
    rotations = {1: (0, 0), 2: (0, 1), 3: (2, 0), 4: (2, 1), 5: (3, 1), 6: (3, 0), 7: (1, 1), 8: (1, 0)}
    quarters, mirrored = rotations[orientation]  # of the counterclockwise kind, then left to right
    wanted = np.rot90(lying, quarters)
    wanted = wanted[:, ::-1] if mirrored else wanted
    assert picture.size == read_size(path) == wanted.shape[:2]
    assert np.abs(picture.pixels[8::16, 8::16].astype(int) - wanted[8::16, 8::16]).max() < 30
    assert np.array_equal(read_image(path), picture.pixels)
    kept = load(picture.metadata.exif)
    assert {0x0112, 256, 257, 273, 279}.isdisjoint(kept)
    assert kept[0x010F] == "Maker"
    assert (kept.get_ifd(0x8769)[0x829A], kept.get_ifd(0x8769)[0x927C]) == (1 / 250, MAKER_NOTE)
    assert kept.get_ifd(0x8825)[2] == (52.0, 30.0, 12.5)


def test_metadata_behind_the_pixels_of_a_png_is_read(tmp_path: Path) -> None:
    last = chunk(b"eXIf", exif(6).tobytes()[6:]) + chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP)
    (tmp_path / "a.png").write_bytes(png(pixels(3), kind=2, bits=8, last=last))
    picture = read_picture(tmp_path / "a.png")
    assert np.array_equal(picture.pixels, np.rot90(pixels(3), -1))
    assert load(picture.metadata.exif)[0x010F] == "Maker"
    assert picture.metadata.xmp == XMP.replace(b'"6"', b'"1"')


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif"])
def test_a_resolution_is_told_from_none(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    for dpi in (None, (72, 72), (300, 150)):
        Image.new("RGB", (9, 8)).save(path, **({} if dpi is None else {"dpi": dpi}))
        assert read_picture(path).metadata.dpi == dpi


@pytest.mark.parametrize("suffix", [".jpg", ".tiff"])
def test_cmyk_becomes_srgb_by_its_profile(tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    colors = Image.new("RGB", (16, 16), (255, 255, 255))
    colors.paste((200, 40, 30), (8, 0, 16, 16))
    broken = b"\0" * 16 + b"CMYK" + b"\0" * 108
    colors.convert("CMYK").save(tmp_path / f"a{suffix}", icc_profile=broken)
    picture = read_picture(tmp_path / f"a{suffix}")
    assert picture.metadata.icc is None
    assert picture.pixels[4, 3].tolist() == pytest.approx([255, 255, 255], abs=4)
    assert picture.pixels[4, 12].tolist() == pytest.approx([200, 40, 30], abs=6)
    monkeypatch.setattr(
        ImageCms, "profileToProfile", lambda image, *_, **__: Image.new("RGB", image.size, (1, 2, image.mode == "CMYK"))
    )
    Image.new("CMYK", (5, 4)).save(tmp_path / f"a{suffix}", icc_profile=RGB_ICC[:16] + b"CMYK" + RGB_ICC[20:])
    assert read_picture(tmp_path / f"a{suffix}").pixels[0, 0].tolist() == [1, 2, 1]


def test_palettes_become_rgb(tmp_path: Path) -> None:
    image = Image.fromarray(np.array([[0, 1, 2]], np.uint8), "P")
    image.putpalette([10, 20, 30, 40, 50, 60, 70, 80, 90])
    image.save(tmp_path / "a.png")
    assert read_picture(tmp_path / "a.png").pixels[0].tolist() == [[10, 20, 30], [40, 50, 60], [70, 80, 90]]
    image.save(tmp_path / "a.png", transparency=bytes([255, 0, 128]))
    assert read_picture(tmp_path / "a.png").pixels[0, :, 3].tolist() == [255, 0, 128]


@pytest.mark.parametrize(
    ("bits", "kind", "values", "wanted"),
    [
        (1, 0, [[0b10000000]], [[255, 0], [0, 255]]),
        (2, 0, [[0b10000000]], [[170, 0], [0, 255]]),
        (4, 0, [[0xA0]], [[170, 0], [0, 255]]),
        (8, 0, [[[3], [4]]], [[3, 0], [4, 255]]),
        (8, 2, [[[1, 2, 3], [1, 2, 4]]], [[1, 2, 3, 0], [1, 2, 4, 255]]),
        (16, 0, [[[257], [258]]], [[257, 0], [258, 65535]]),
        (16, 2, [[[1, 2, 257], [1, 2, 258]]], [[1, 2, 257, 0], [1, 2, 258, 65535]]),
    ],
)
def test_alpha_of_one_color(tmp_path: Path, bits: int, kind: int, values: list, wanted: list) -> None:
    array = np.array(values)
    key = np.atleast_1d(array[0, 0] >> (8 - bits) if bits < 8 else array[0, 0]).astype(">u2").tobytes()
    (tmp_path / "a.png").write_bytes(png(array, chunk(b"tRNS", key), kind=kind, bits=bits))
    assert read_picture(tmp_path / "a.png").pixels[0, :2].tolist() == wanted


@pytest.mark.parametrize(("kind", "channels"), [(0, 1), (2, 3), (4, 2), (6, 4)])
def test_16_bits_of_png(tmp_path: Path, kind: int, channels: int) -> None:
    values = pixels(channels, 16)
    (tmp_path / "a.png").write_bytes(png(values, kind=kind))
    assert np.array_equal(read_picture(tmp_path / "a.png").pixels, values)
    colors = np.rint(values[..., : 3 if channels > 2 else 1] / 257)
    assert np.array_equal(read_image(tmp_path / "a.png"), np.broadcast_to(colors, (*values.shape[:2], 3)))


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("layout", [{}, {"planar": True}, {"planar": True, "tile": True}, {"planar": True, "big": True,
                                    "t274": 6}], ids=str)  # fmt: skip
def test_tiff_of_all_layouts(tmp_path: Path, channels: int, bits: int, order: str, layout: dict) -> None:
    values = pixels(channels, bits, (20, 35))
    alpha = {"t338": 2} if channels in (2, 4) else {}
    (tmp_path / "a.tif").write_bytes(tiff(values, order, t262=1 if channels < 3 else 2, **alpha, **layout))
    wanted = np.rot90(values, -1) if "t274" in layout else values
    assert np.array_equal(read_picture(tmp_path / "a.tif").pixels, wanted)


@pytest.mark.parametrize("planar", [False, True])
def test_alpha_of_tiff_is_what_its_tag_says(tmp_path: Path, planar: bool) -> None:
    values = np.array([[[10000, 20000, 0, 20000], [7, 8, 9, 65535], [0, 0, 0, 0]]], np.uint16)
    path = tmp_path / "a.tif"
    path.write_bytes(tiff(values, planar=planar, t262=2, t338=1))  # multiplied
    divided = np.array([[32768, 65535, 0, 20000], [7, 8, 9, 65535], [0, 0, 0, 0]])
    assert np.abs(read_picture(path).pixels[0] - divided).max() <= 1
    path.write_bytes(tiff(values, planar=planar, t262=2, t338=0))  # a fourth channel that is no alpha
    assert read_picture(path).pixels[0].tolist() == values[0, :, :3].tolist()
    path.write_bytes(tiff(np.array([[[0, 7], [65535, 8]]], np.uint16), planar=planar, t262=0, t338=2))  # white at zero
    assert read_picture(path).pixels[0].tolist() == [[65535, 7], [0, 8]]


@pytest.mark.parametrize("compression", ["tiff_lzw", "zstd", "lzma"])
def test_compressions_of_tiff(tmp_path: Path, compression: str) -> None:
    for values in (pixels(3), pixels(1, 16)):
        to_pil(Picture(values, Metadata(), "tiff")).save(tmp_path / "a.tif", compression=compression)
        assert np.array_equal(read_picture(tmp_path / "a.tif").pixels, values)


def test_lab_becomes_rgb(tmp_path: Path) -> None:
    image = Image.new("RGB", (5, 4), (200, 40, 30))
    lab = ImageCms.createProfile("LAB")
    ImageCms.profileToProfile(image, ImageCms.createProfile("sRGB"), lab, outputMode="LAB").save(tmp_path / "a.tif")
    assert read_picture(tmp_path / "a.tif").pixels[0, 0].tolist() == pytest.approx([200, 40, 30], abs=8)


@pytest.mark.parametrize(("mode", "suffix"), [("RGB", ".bmp"), ("L", ".pgm"), ("P", ".gif"), ("RGB", ".jp2"),
                                              ("1", ".png"), ("RGBA", ".webp"), ("CMYK", ".jpg")])  # fmt: skip
def test_the_view_of_8_bits(tmp_path: Path, mode: str, suffix: str) -> None:
    path = tmp_path / f"grün ☃ [2]{suffix}"
    Image.new("RGB", (5, 4), (255, 255, 255)).convert(mode).save(path)
    values = read_image(path)
    assert (values.shape, values.dtype) == ((4, 5, 3), np.uint8)
    assert values.min() >= 250
    assert read_size(path) == (4, 5)


# ---- Pillow's images


@pytest.mark.parametrize(("mode", "channels"), [("1", 1), ("L", 1), ("LA", 2), ("RGB", 3), ("RGBA", 4), ("PA", 4),
                                                ("YCbCr", 3), ("HSV", 3)])  # fmt: skip
def test_alpha_and_gray_are_what_the_mode_says(mode: str, channels: int) -> None:
    source = Image.new("RGBA", (5, 4), (255, 255, 255, 7))
    image = source.convert("L").convert("PA") if mode == "PA" else source.convert("RGB" if mode == "HSV" else mode)
    picture = from_pil(image.convert(mode))
    assert picture.pixels.shape == (4, 5, channels)
    assert picture.pixels[0, 0, 0] == 255
    assert (picture.gray, picture.has_alpha, picture.bits) == (channels < 3, channels % 2 == 0, 8)


@pytest.mark.parametrize("mode", ["I;16", "I;16B", "I"])
def test_16_bit_gray_of_pillow(mode: str) -> None:
    values = np.array([[0, 300, 65535]], np.uint16)
    if mode == "I":
        image = Image.fromarray(values.astype(np.int32))
    else:
        image = Image.frombytes(mode, (3, 1), values.astype(">u2" if mode.endswith("B") else "<u2").tobytes())
    assert from_pil(image).pixels[..., 0].tolist() == values.tolist()


def test_to_pillow_and_back() -> None:
    for channels, bits in ((1, 8), (2, 8), (3, 8), (4, 8), (1, 16)):
        picture = Picture(pixels(channels, bits), metadata(channels), "png")
        again = from_pil(to_pil(picture))
        assert np.array_equal(again.pixels, picture.pixels)
        assert again.metadata == picture.metadata
    with pytest.raises(ValueError, match="16 bits and 3 channels: round it"):
        to_pil(Picture(pixels(3, 16), Metadata(), "png"))
    turned = Image.fromarray(pixels(3))
    turned.info["exif"] = exif(6).tobytes()
    assert np.array_equal(from_pil(turned).pixels, np.rot90(pixels(3), -1))


# ---- what is refused


@pytest.mark.parametrize("suffix", [".gif", ".webp", ".png", ".tiff", ".avif"])
def test_frames_and_pages_are_refused(tmp_path: Path, suffix: str) -> None:
    frames = [Image.new("RGB", (9, 8), (i * 50, 0, 255)) for i in range(3)]
    frames[0].save(tmp_path / f"a{suffix}", save_all=True, append_images=frames[1:])
    with pytest.raises(ValueError, match=r"a\..*3 frames or pages: extract its frames first"):
        read_picture(tmp_path / f"a{suffix}")
    assert read_image(tmp_path / f"a{suffix}")[0, 0].tolist() == pytest.approx([0, 0, 255], abs=8)


def test_the_first_picture_of_a_phone_is_taken(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (16, 16), color) for color in ((250, 0, 0), (0, 0, 250))]
    frames[0].save(tmp_path / "a.jpg", format="MPO", save_all=True, append_images=frames[1:])
    picture = read_picture(tmp_path / "a.jpg")
    assert picture.format == "jpeg"
    assert picture.pixels[8, 8].tolist() == pytest.approx([250, 0, 0], abs=5)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".tif", "16.png", "16.tif", "gray16.png", ".avif"])
def test_truncated_files_are_refused(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"grün ☃{suffix}"
    channels, bits = 1 if suffix.startswith("gray") else 3, 16 if "16" in suffix else 8
    write_picture(path, Picture(pixels(channels, bits, (90, 80)), Metadata(), "png"))
    assert read_picture(path).size == (90, 80)
    data = path.read_bytes()
    for length in (len(data) - 20, len(data) // 2, 30):
        path.write_bytes(data[:length])
        for read in (read_picture, read_image):
            with pytest.raises(ValueError, match=f"cannot read '.*grün ☃{suffix}'"):
                read(path)
    if suffix.endswith("png"):
        path.write_bytes(data[:60] + bytes([data[60] ^ 1]) + data[61:])
        with pytest.raises(ValueError, match="it is damaged or truncated"):
            read_picture(path)


@pytest.mark.parametrize(("data", "message"), [(b"", "empty"), (b"text", "no image"), (b"II*\0", "neither|cannot"),
                                               (None, "no file")])  # fmt: skip
def test_what_is_no_image_is_refused(tmp_path: Path, data: bytes | None, message: str) -> None:
    if data is not None:
        (tmp_path / "a b.png").write_bytes(data)
    for read in (read_picture, read_image, read_size):
        with pytest.raises(ValueError, match=message) as error:
            read(tmp_path / "a b.png")
        assert "a b.png" in str(error.value)
    with pytest.raises(ValueError, match="cannot read"):
        read_picture(tmp_path)


@pytest.mark.parametrize("values", [np.array([[70000]], np.int32), np.array([[-1]], np.int32),
                                    np.array([[0.5]], np.float32)])  # fmt: skip
def test_32_bits_and_floats_are_refused(tmp_path: Path, values: np.ndarray) -> None:
    Image.fromarray(values).save(tmp_path / "a.tif")
    for read in (read_picture, read_image):
        with pytest.raises(ValueError, match=r"a\.tif.*convert it to 8 or 16 bits"):
            read(tmp_path / "a.tif")
    with pytest.raises(ValueError, match=r"16 bits"):
        from_pil(Image.fromarray(values))


@pytest.mark.parametrize(
    ("bits", "tags", "message"),
    [
        (16, {"t262": 5}, "convert it to RGB"),
        (16, {"t262": 2, "t339": 2}, "signed"),
        (8, {"t262": 2, "t339": 2}, "'char'.*convert it to 8 or 16 bits"),
        (16, {"t262": 2, "t254": 1}, "preview"),
        (16, {"t262": 2, "t259": 50000}, "rare compression: save it uncompressed, or with LZW or Deflate"),
    ],
)
def test_tiff_that_cannot_be_restored_is_refused(tmp_path: Path, bits: int, tags: dict, message: str) -> None:
    (tmp_path / "a.tif").write_bytes(tiff(pixels(4, bits), **tags))
    with pytest.raises(ValueError, match=message):
        read_picture(tmp_path / "a.tif")


def test_large_pictures_are_read_without_warnings_and_huge_ones_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    Image.new("L", (20000, 3000)).save(tmp_path / "large.bmp")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read_picture(tmp_path / "large.bmp").size == (3000, 20000)
    assert Image.MAX_IMAGE_PIXELS == 1000
    huge = png(np.zeros((1, 1)), kind=0).replace(struct.pack(">2I", 1, 1), struct.pack(">2I", 40000, 40000))
    (tmp_path / "huge.png").write_bytes(huge[:29] + struct.pack(">I", zlib.crc32(huge[12:29])) + huge[33:])
    (tmp_path / "huge.tif").write_bytes(tiff(pixels(1), t262=1, t256=40000, t257=40000))
    for name in ("huge.png", "huge.tif"):
        with pytest.raises(ValueError, match=rf"{name}.*40000x40000 pixels are more than 2\^30"):
            read_picture(tmp_path / name)


def test_a_program_that_draws_is_not_run(tmp_path: Path) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "drawing.eps")
    with pytest.raises(ValueError, match="EPS is a program that draws"):
        read_picture(tmp_path / "drawing.eps")


def test_pixels_that_are_no_picture_are_refused() -> None:
    for values in (np.zeros((4, 4), np.uint8), np.zeros((4, 4, 5), np.uint8), np.zeros((4, 4, 3), np.float32)):
        with pytest.raises(ValueError, match="1 to 4"):
            Picture(values, Metadata(), "png")


@pytest.mark.parametrize("name", ["photo.png", "photo.jpg", "photo.tif"])
def test_other_libraries_read_the_same_pixels(tmp_path: Path, name: str) -> None:
    values = cv2.GaussianBlur(pixels(3, size=(240, 320)), (0, 0), 3)
    Image.fromarray(values).save(tmp_path / name, **({"quality": 90} if name.endswith("jpg") else {}))
    with Image.open(tmp_path / name) as image:
        assert np.array_equal(read_image(tmp_path / name), np.asarray(image))
    assert np.array_equal(read_image(tmp_path / name), cv2.imread(str(tmp_path / name))[..., ::-1])


def test_bytes_are_read_as_their_file(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (9, 11, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    assert np.array_equal(read_image((tmp_path / "a.png").read_bytes()), pixels)
    with pytest.raises(ValueError, match="cannot read 4 bytes: it is no image"):
        read_image(b"none")


def test_a_label_map_keeps_its_indices(tmp_path: Path) -> None:
    labels = np.random.default_rng(0).integers(0, 256, (9, 11), dtype=np.uint8)
    gray, palette = Image.fromarray(labels), Image.fromarray(labels)
    palette.putpalette(np.random.default_rng(1).integers(0, 256, 768).tolist())
    for image in (gray, palette):
        image.save(tmp_path / "map.png")
        assert np.array_equal(read_label_map(tmp_path / "map.png"), labels)
    Image.fromarray(labels).convert("RGB").save(tmp_path / "map.png")
    with pytest.raises(ValueError, match=r"cannot read .*map.png.*one class index of 8 bits.*this is RGB"):
        read_label_map(tmp_path / "map.png")


def test_hidden_files_are_no_images_and_names_are_paths(tmp_path: Path) -> None:
    for name in ("a/1.png", "b/1.png", "._2.png", ".thumbnails/3.png", "b/.trash/4.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (4, 4)).save(tmp_path / name)
    assert images_by_name(tmp_path) == {"a/1": tmp_path / "a" / "1.png", "b/1": tmp_path / "b" / "1.png"}
    assert images_by_name(tmp_path / "a" / "1.png") == {"1": tmp_path / "a" / "1.png"}
    Image.new("RGB", (4, 4)).save(tmp_path / "a" / "1.jpg")
    with pytest.raises(ValueError, match=r"1\.jpg and .*1\.png have one name"):
        images_by_name(tmp_path)
    hidden = tmp_path / ".hidden"  # one that is named is searched
    hidden.mkdir()
    Image.new("RGB", (4, 4)).save(hidden / "5.png")
    assert list_images(hidden) == [hidden / "5.png"]
