"""Image files: read without loss, written with all that belongs to them, refused in one clear sentence."""

import struct
import warnings
import zlib
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import ExifTags, Image, ImageCms
from PIL.TiffImagePlugin import IFDRational

from cfmrestore.restore.files import tiff, tiff_writing
from cfmrestore.restore.files.directories import LONG, SHORT, Layout, append, pack
from cfmrestore.restore.files.modes import turned
from cfmrestore.restore.files.picture import Metadata, Picture, resized_metadata, rounded, to_pil
from cfmrestore.restore.files.reading import from_pil, read_picture
from cfmrestore.restore.files.writing import check_writable, write_picture

RGB_ICC = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
GRAY_ICC = RGB_ICC[:16] + b"GRAY" + RGB_ICC[20:]
MAKER_NOTE = bytes(range(200))
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><r tiff:Orientation="6" exif:PixelXDimension="7"/></x:xmpmeta>'


def pixels(channels: int, bits: int = 8, size: tuple[int, int] = (11, 7)) -> np.ndarray:
    top = 2**bits
    return np.random.default_rng(channels).integers(0, top, (*size, channels)).astype(f"uint{bits}")


def exif(orientation: int = 6) -> Image.Exif:
    made = Image.Exif()
    made[0x010F], made[0x0110], made[0x0112] = "Maker", "Model \u2603".encode().decode("latin1"), orientation
    made.get_ifd(0x8769).update(
        {
            0x829A: IFDRational(1, 250),
            0x8827: 400,
            0x927C: MAKER_NOTE,
            0xA002: 7,
            0xA003: 11,
            0x9204: IFDRational(-1, 3),
        }
    )
    made.get_ifd(0x8825).update({1: "N", 2: (52.0, 30.0, 12.5)})
    return made


def load(data: bytes | None) -> Image.Exif:
    assert data is not None
    loaded = Image.Exif()
    loaded.load(data)
    return loaded


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(values: np.ndarray, *chunks: bytes, kind: int, bits: int = 16) -> bytes:
    """A PNG of 16 bits, or of less than 8 whose values are packed already."""
    rows = values.astype(">u2" if bits == 16 else np.uint8)
    width = values.shape[1] * (8 // bits if bits < 8 else 1)
    header = struct.pack(">2I5B", width, len(values), bits, kind, 0, 0, 0)
    packed = zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows))
    parts = [chunk(b"IHDR", header), *chunks, chunk(b"IDAT", packed), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def tiff_file(values: np.ndarray, order: str = "<", *, big: bool = False, planar: bool = False,
              tile: bool = False, **tags: int) -> bytes:  # fmt: skip
    """An unpacked TIFF of 16 bits with the tags that are named by their number, as ``t262=2``."""
    layout = Layout(order, big)  # type: ignore[arg-type]
    height, width, samples = values.shape
    start = struct.pack(f"{order}2sHHHQ", b"II" if order == "<" else b"MM", 43, 8, 0, 0) if big else (
        struct.pack(f"{order}2sHI", b"II" if order == "<" else b"MM", 42, 0))  # fmt: skip
    parts = [values]
    if tile:
        padded = np.pad(values, [(0, -height % 16), (0, -width % 16), (0, 0)])
        parts = [padded[y : y + 16, x : x + 16] for y in range(0, height, 16) for x in range(0, width, 16)]
    if planar:
        parts = [part[..., i] for i in range(samples) for part in parts]
    if tags.get("t317") == 2:
        parts = [np.concatenate([p[:, :1], p[:, 1:] - p[:, :-1]], axis=1) for p in parts]
    blobs = [zlib.compress(part.astype(f"{order}u2").tobytes()) for part in parts]
    places = np.cumsum([len(start), *map(len, blobs)]).tolist()
    rows = [pack(layout, 324 if tile else 273, LONG, *places[:-1]),
            pack(layout, 325 if tile else 279, LONG, *map(len, blobs))]  # fmt: skip
    own = {"t256": width, "t257": height, "t259": 8, "t277": samples, "t284": 1 + planar}
    own |= {"t322": 16, "t323": 16} if tile else {"t278": height}
    rows += [pack(layout, int(key[1:]), SHORT, value) for key, value in (own | tags).items()]
    out = bytearray(start + b"".join(blobs))
    at = append(out, layout, [pack(layout, 258, SHORT, *[16] * samples), *rows])
    struct.pack_into(layout.codes[1], out, 8 if big else 4, at)
    return bytes(out)


# ---- what is read


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tiff"])
def test_orientation_of_all_kinds_is_applied_once_and_taken_away(tmp_path: Path, orientation: int, suffix: str) -> None:
    lying = np.zeros((32, 64, 3), np.uint8)
    lying[:16, :16], lying[16:, :16], lying[:16, 48:] = (255, 0, 0), (0, 255, 0), (0, 0, 255)
    options = {} if suffix == ".tiff" else {"quality": 100}
    Image.fromarray(lying).save(tmp_path / f"a{suffix}", exif=exif(orientation).tobytes(), **options)
    picture = read_picture(tmp_path / f"a{suffix}")
    rotations = {1: (0, 0), 2: (0, 1), 3: (2, 0), 4: (2, 1), 5: (3, 1), 6: (3, 0), 7: (1, 1), 8: (1, 0)}
    quarters, mirrored = rotations[orientation]  # of the counterclockwise kind, then left to right
    wanted = np.rot90(lying, quarters)
    wanted = wanted[:, ::-1] if mirrored else wanted
    assert picture.size == wanted.shape[:2]
    assert np.abs(picture.pixels[8::16, 8::16].astype(int) - wanted[8::16, 8::16]).max() < 30
    kept = load(picture.metadata.exif)
    assert 0x0112 not in kept
    assert kept[0x010F] == "Maker"


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tiff"])
def test_the_rest_of_exif_is_kept(tmp_path: Path, suffix: str) -> None:
    Image.new("RGB", (9, 8)).save(tmp_path / f"a{suffix}", exif=exif().tobytes())
    kept = load(read_picture(tmp_path / f"a{suffix}").metadata.exif)
    assert kept.get_ifd(0x8769)[0x829A] == 1 / 250
    assert kept.get_ifd(0x8769)[0x927C] == MAKER_NOTE
    assert kept.get_ifd(0x8825)[2] == (52.0, 30.0, 12.5)
    assert {256, 257, 273, 279}.isdisjoint(kept)


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
    kept = read_picture(tmp_path / "a.jpg").metadata.exif
    assert kept is not None
    assert b"THUMB" not in kept
    assert not load(kept).get_ifd(ExifTags.IFD.IFD1)
    assert dict(load(kept)) == {0x010F: "Maker", 0x8769: notes}
    assert kept.index(MAKER_NOTE) - 6 == data.index(MAKER_NOTE)


@pytest.mark.parametrize("broken", [b"Exif\0\0nonsense", b"", exif().tobytes()[:30]])
def test_broken_exif_does_not_make_a_picture_unreadable(tmp_path: Path, broken: bytes) -> None:
    Image.new("RGB", (9, 8)).save(tmp_path / "a.jpg", exif=broken)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert read_picture(tmp_path / "a.jpg").metadata.exif is None


@pytest.mark.parametrize(("mode", "icc"), [("RGB", RGB_ICC), ("L", GRAY_ICC)])
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tiff"])
def test_icc_profiles_are_kept_byte_for_byte(tmp_path: Path, mode: str, icc: bytes, suffix: str) -> None:
    Image.new(mode, (9, 8)).save(tmp_path / f"a{suffix}", icc_profile=icc)
    assert read_picture(tmp_path / f"a{suffix}").metadata.icc == icc


def test_icc_of_another_color_space_is_left_out(tmp_path: Path) -> None:
    for mode, icc in (("L", RGB_ICC), ("RGB", GRAY_ICC)):
        Image.new(mode, (9, 8)).save(tmp_path / "a.png", icc_profile=icc)
        assert read_picture(tmp_path / "a.png").metadata.icc is None
        write_picture(tmp_path / "b.png", Picture(pixels(len(mode)), Metadata(icc=icc), "png"))
        assert "icc_profile" not in Image.open(tmp_path / "b.png").info


@pytest.mark.parametrize("suffix", [".jpg", ".tiff"])
def test_cmyk_becomes_srgb_and_right_way_round(tmp_path: Path, suffix: str) -> None:
    colors = Image.new("RGB", (16, 16), (255, 255, 255))
    colors.paste((200, 40, 30), (8, 0, 16, 16))
    colors.convert("CMYK").save(tmp_path / f"a{suffix}", icc_profile=b"\0" * 16 + b"CMYK" + b"\0" * 108)
    picture = read_picture(tmp_path / f"a{suffix}")
    assert picture.metadata.icc is None
    assert picture.pixels[4, 3].tolist() == pytest.approx([255, 255, 255], abs=4)
    assert picture.pixels[4, 12].tolist() == pytest.approx([200, 40, 30], abs=6)


def test_cmyk_goes_through_its_profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def convert(image: Image.Image, source: object, target: object, **options: object) -> Image.Image:
        asked.append((image.mode, options))
        return Image.new("RGB", image.size, (1, 2, 3))

    monkeypatch.setattr(ImageCms, "profileToProfile", convert)
    Image.new("CMYK", (5, 4)).save(tmp_path / "a.jpg", icc_profile=RGB_ICC[:16] + b"CMYK" + RGB_ICC[20:])
    assert read_picture(tmp_path / "a.jpg").pixels[0, 0].tolist() == [1, 2, 3]
    assert asked == [("CMYK", {"outputMode": "RGB"})]


@pytest.mark.parametrize("mode", ["YCbCr", "LAB", "HSV"])
def test_other_color_spaces_become_rgb(mode: str) -> None:
    image = Image.new("RGB", (5, 4), (200, 40, 30))
    if mode == "LAB":
        lab = ImageCms.createProfile("LAB")
        image = ImageCms.profileToProfile(image, ImageCms.createProfile("sRGB"), lab, outputMode="LAB")
    else:
        image = image.convert(mode)
    picture = from_pil(image)
    assert picture.pixels.shape == (4, 5, 3)
    assert picture.pixels[0, 0].tolist() == pytest.approx([200, 40, 30], abs=8)


@pytest.mark.parametrize("transparency", [None, 1, bytes([255, 0, 128])])
def test_alpha_of_palettes(tmp_path: Path, transparency: int | bytes | None) -> None:
    image = Image.fromarray(np.array([[0, 1, 2]], np.uint8), "P")
    image.putpalette([10, 20, 30, 40, 50, 60, 70, 80, 90])
    options = {} if transparency is None else {"transparency": transparency}
    image.save(tmp_path / "a.png", **options)
    colors = [[10, 20, 30], [40, 50, 60], [70, 80, 90]]
    alphas = {None: None, 1: [255, 0, 255]}.get(transparency, [255, 0, 128])  # type: ignore[call-overload]
    wanted = colors if alphas is None else [[*c, a] for c, a in zip(colors, alphas, strict=True)]
    assert read_picture(tmp_path / "a.png").pixels[0].tolist() == wanted


def test_alpha_of_one_color_of_png(tmp_path: Path) -> None:
    values = np.array([[[1, 2, 3], [1, 2, 4]]], np.uint8)
    Image.fromarray(values).save(tmp_path / "a.png", transparency=(1, 2, 3))
    assert read_picture(tmp_path / "a.png").pixels[0].tolist() == [[1, 2, 3, 0], [1, 2, 4, 255]]
    Image.fromarray(values[..., 2]).save(tmp_path / "b.png", transparency=3)
    assert read_picture(tmp_path / "b.png").pixels[0].tolist() == [[3, 0], [4, 255]]


@pytest.mark.parametrize(("bits", "packed", "gray"), [(1, 0b10000000, 255), (2, 0b10000000, 170), (4, 0xA0, 170)])
def test_alpha_of_one_gray_of_few_bits(tmp_path: Path, bits: int, packed: int, gray: int) -> None:
    key = packed >> (8 - bits)
    data = png(np.array([[packed]]), chunk(b"tRNS", struct.pack(">H", key)), kind=0, bits=bits)
    (tmp_path / "a.png").write_bytes(data)
    assert read_picture(tmp_path / "a.png").pixels[0, :2].tolist() == [[gray, 0], [0, 255]]


@pytest.mark.parametrize(("mode", "channels"), [("1", 1), ("L", 1), ("LA", 2), ("RGB", 3), ("RGBA", 4), ("PA", 4)])
def test_alpha_and_gray_are_what_the_mode_says(mode: str, channels: int) -> None:
    source = Image.new("RGBA", (5, 4), (255, 255, 255, 7))
    image = source.convert("L").convert("PA") if mode == "PA" else source.convert(mode)
    picture = from_pil(image)
    assert picture.pixels.shape == (4, 5, channels)
    assert picture.pixels.dtype == np.uint8
    assert picture.pixels[0, 0, 0] == 255
    assert (picture.gray, picture.has_alpha, picture.bits) == (channels < 3, channels % 2 == 0, 8)


@pytest.mark.parametrize("mode", ["I;16", "I;16B", "I"])
def test_16_bit_gray_of_pillow(mode: str) -> None:
    values = np.array([[0, 300, 65535]], np.uint16)
    if mode == "I":
        image = Image.fromarray(values.astype(np.int32))
    else:
        image = Image.frombytes(mode, (3, 1), values.astype(">u2" if mode.endswith("B") else "<u2").tobytes())
    picture = from_pil(image)
    assert picture.bits == 16
    assert picture.pixels[..., 0].tolist() == values.tolist()


@pytest.mark.parametrize("values", [np.array([[70000]], np.int32), np.array([[-1]], np.int32),
                                    np.array([[0.5]], np.float32)])  # fmt: skip
def test_32_bits_and_floats_are_refused(tmp_path: Path, values: np.ndarray) -> None:
    Image.fromarray(values).save(tmp_path / "a.tif")
    with pytest.raises(ValueError, match=r"a\.tif.*convert it to 8 or 16 bits"):
        read_picture(tmp_path / "a.tif")
    with pytest.raises(ValueError, match=r"16 bits"):
        from_pil(Image.fromarray(values))


@pytest.mark.parametrize("orientation", [1, 6])
@pytest.mark.parametrize(("kind", "channels"), [(0, 1), (2, 3), (4, 2), (6, 4)])
def test_16_bit_png_of_all_kinds(tmp_path: Path, kind: int, channels: int, orientation: int) -> None:
    values = pixels(channels, 16)
    (tmp_path / "a.png").write_bytes(png(values, chunk(b"eXIf", exif(orientation).tobytes()[6:]), kind=kind))
    picture = read_picture(tmp_path / "a.png")
    assert picture.pixels.dtype == np.uint16
    assert np.array_equal(picture.pixels, values if orientation == 1 else np.rot90(values, -1))
    assert load(picture.metadata.exif)[0x010F] == "Maker"


def test_alpha_of_one_color_of_16_bits(tmp_path: Path) -> None:
    for kind, values in ((0, [[[257], [258]]]), (2, [[[1, 2, 257], [1, 2, 258]]])):
        array = np.array(values, np.uint16)
        key = chunk(b"tRNS", array[0, 0].astype(">u2").tobytes())
        (tmp_path / "a.png").write_bytes(png(array, key, kind=kind))
        assert read_picture(tmp_path / "a.png").pixels[0].tolist() == [[*values[0][0], 0], [*values[0][1], 65535]]


TIFFS = [
    (1, {"t262": 1}),
    (2, {"t262": 1, "t338": 2}),
    (3, {"t262": 2}),
    (4, {"t262": 2, "t338": 2}),
]


LAYOUTS = [
    {},
    {"planar": True},
    {"tile": True},
    {"planar": True, "tile": True},
    {"t317": 2},
    {"t317": 2, "tile": True},
    {"t274": 6},
    {"big": True},
]


@pytest.mark.parametrize(("channels", "tags"), TIFFS)
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
def test_16_bit_tiff_of_all_layouts(tmp_path: Path, channels: int, tags: dict, order: str, layout: dict) -> None:
    values = pixels(channels, 16, (20, 35))
    (tmp_path / "a.tif").write_bytes(tiff_file(values, order, **tags, **layout))
    wanted = np.rot90(values, -1) if "t274" in layout else values
    assert np.array_equal(read_picture(tmp_path / "a.tif").pixels, wanted)


def test_16_bit_tiff_of_opencv_is_read(tmp_path: Path) -> None:
    values = pixels(3, 16, (60, 50))
    for compression in (1, 5, 32946):
        cv2.imwrite(str(tmp_path / "a.tif"), values[..., ::-1], [cv2.IMWRITE_TIFF_COMPRESSION, compression])
        assert np.array_equal(read_picture(tmp_path / "a.tif").pixels, values)


def test_alpha_of_16_bit_tiff_is_not_premultiplied(tmp_path: Path) -> None:
    values = np.array([[[10000, 20000, 0, 20000], [7, 8, 9, 65535], [0, 0, 0, 0]]], np.uint16)
    (tmp_path / "a.tif").write_bytes(tiff_file(values, t262=2, t338=1))
    divided = [[32768, 65535, 0, 20000], [7, 8, 9, 65535], [0, 0, 0, 0]]
    assert read_picture(tmp_path / "a.tif").pixels[0].tolist() == divided
    (tmp_path / "a.tif").write_bytes(tiff_file(values, t262=2, t338=0))  # a fourth channel that is no alpha
    assert read_picture(tmp_path / "a.tif").pixels[0].tolist() == values[0, :, :3].tolist()


def test_16_bit_tiff_with_white_at_zero_is_turned_round(tmp_path: Path) -> None:
    (tmp_path / "a.tif").write_bytes(tiff_file(np.array([[[0], [65535], [100]]], np.uint16), t262=0))
    assert read_picture(tmp_path / "a.tif").pixels[0, :, 0].tolist() == [65535, 0, 65435]


@pytest.mark.parametrize(("tags", "message"), [({"t262": 5}, "convert it to RGB"), ({"t262": 2, "t339": 2}, "signed"),
                                               ({"t262": 2, "t254": 1}, "preview")])  # fmt: skip
def test_16_bit_tiff_that_cannot_be_restored_is_refused(tmp_path: Path, tags: dict, message: str) -> None:
    (tmp_path / "a.tif").write_bytes(tiff_file(pixels(4, 16), **tags))
    with pytest.raises(ValueError, match=message):
        read_picture(tmp_path / "a.tif")


# ---- what is refused


@pytest.mark.parametrize("suffix", [".gif", ".webp", ".png", ".tiff"])
def test_frames_and_pages_are_refused(tmp_path: Path, suffix: str) -> None:
    frames = [Image.new("RGB", (9, 8), (i * 50, 0, 255)) for i in range(3)]
    frames[0].save(tmp_path / f"a{suffix}", save_all=True, append_images=frames[1:])
    with pytest.raises(ValueError, match=r"a\..*3 frames or pages: extract its frames first"):
        read_picture(tmp_path / f"a{suffix}")


def test_the_first_picture_of_a_phone_is_taken(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (16, 16), color) for color in ((250, 0, 0), (0, 0, 250))]
    frames[0].save(tmp_path / "a.jpg", format="MPO", save_all=True, append_images=frames[1:])
    picture = read_picture(tmp_path / "a.jpg")
    assert picture.format == "jpeg"
    assert picture.pixels[8, 8].tolist() == pytest.approx([250, 0, 0], abs=5)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".tif", "16.png", "16.tif", "gray16.png"])
def test_truncated_files_are_refused(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"grün ☃{suffix}"
    channels, bits = 1 if suffix.startswith("gray") else 3, 16 if "16" in suffix else 8
    write_picture(path, Picture(pixels(channels, bits, (90, 80)), Metadata(), "png"))
    assert read_picture(path).size == (90, 80)
    data = path.read_bytes()
    for length in (len(data) // 2, 30):
        path.write_bytes(data[:length])
        with pytest.raises(ValueError, match=f"cannot read '.*grün ☃{suffix}'"):
            read_picture(path)


@pytest.mark.parametrize(("data", "message"), [(b"", "empty"), (b"text", "no image"), (b"II*\0", "neither|cannot"),
                                               (None, "no file")])  # fmt: skip
def test_what_is_no_image_is_refused(tmp_path: Path, data: bytes | None, message: str) -> None:
    if data is not None:
        (tmp_path / "a b.png").write_bytes(data)
    with pytest.raises(ValueError, match=rf"{message}") as error:
        read_picture(tmp_path / "a b.png")
    assert "a b.png" in str(error.value)
    with pytest.raises(ValueError, match="cannot read"):
        read_picture(tmp_path)


def test_large_pictures_are_read_without_warnings_and_huge_ones_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    Image.new("1", (20000, 10000)).save(tmp_path / "large.png")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read_picture(tmp_path / "large.png").size == (10000, 20000)
    huge = png(np.zeros((1, 1)), kind=0).replace(struct.pack(">2I", 1, 1), struct.pack(">2I", 40000, 40000))
    huge = huge[:29] + struct.pack(">I", zlib.crc32(huge[12:29])) + huge[33:]
    (tmp_path / "huge.png").write_bytes(huge)
    with pytest.raises(ValueError, match=r"huge\.png.*40000x40000 pixels are more than 2\^30"):
        read_picture(tmp_path / "huge.png")
    assert Image.MAX_IMAGE_PIXELS == 1000


# ---- what is written


def full(channels: int) -> Metadata:
    """Metadata as it is read."""
    buffer = BytesIO()
    Image.new("RGB", (7, 11)).save(buffer, format="PNG", exif=exif(1))
    with Image.open(buffer) as image:
        kept = from_pil(image).metadata.exif
    return Metadata(
        icc=GRAY_ICC if channels < 3 else RGB_ICC, exif=kept, xmp=XMP.replace(b'"6"', b'"1"'), dpi=(300, 72)
    )


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("suffix", [".png", ".tiff", ".TIF"])
def test_lossless_files_are_read_again_equal(tmp_path: Path, suffix: str, bits: int, channels: int) -> None:
    path = tmp_path / f"grün ☃{suffix}"
    picture = Picture(pixels(channels, bits, (37, 23)), full(channels), suffix[1:])
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


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("suffix", [".png", ".tiff"])
def test_lossless_files_are_what_opencv_and_pillow_read(tmp_path: Path, suffix: str, bits: int, channels: int) -> None:
    picture = Picture(pixels(channels, bits, (300, 400)), full(channels), "png")
    if (suffix, bits, channels) == (".tiff", 8, 4):
        picture.pixels[..., 3] = 255  # OpenCV multiplies colors by alpha here
    write_picture(tmp_path / f"a{suffix}", picture)
    values = cv2.imdecode(np.fromfile(tmp_path / f"a{suffix}", np.uint8), cv2.IMREAD_UNCHANGED)
    assert values.dtype == picture.pixels.dtype
    order = {1: [0], 3: [2, 1, 0], 4: [2, 1, 0, 3]}[channels]
    assert np.array_equal(values.reshape(300, 400, channels)[..., order], picture.pixels)
    with Image.open(tmp_path / f"a{suffix}") as image:
        image.load()
        assert image.info["icc_profile"] == picture.metadata.icc
        assert image.info["dpi"] == pytest.approx((300, 72), abs=0.1)
        assert image.getexif().get_ifd(0x8769)[0x8827] == 400
        if bits == 8:
            assert np.array_equal(np.asarray(image).reshape(picture.pixels.shape), picture.pixels)


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("channels", [1, 3])
def test_jpeg_keeps_gray_and_full_color(tmp_path: Path, channels: int, bits: int) -> None:
    smooth = np.linspace(0, 2**bits - 1, 64 * 48 * channels).reshape(48, 64, channels).astype(f"uint{bits}")
    picture = Picture(smooth, full(channels), "jpeg")
    write_picture(tmp_path / "a.jpg", picture)
    again = read_picture(tmp_path / "a.jpg")
    assert again.pixels.shape == smooth.shape
    assert np.abs(again.pixels.astype(int) - rounded(picture).pixels).max() < 8
    assert again.metadata == picture.metadata
    with Image.open(tmp_path / "a.jpg") as image:
        assert all(layer[1:3] == (1, 1) for layer in image.layer)
    write_picture(tmp_path / "coarse.jpg", picture, quality=20)
    assert (tmp_path / "coarse.jpg").stat().st_size < (tmp_path / "a.jpg").stat().st_size


@pytest.mark.parametrize("channels", [3, 4])
def test_webp_keeps_colors_alpha_and_metadata(tmp_path: Path, channels: int) -> None:
    smooth = np.linspace(0, 255, 64 * 48 * channels).reshape(48, 64, channels).astype(np.uint8)
    picture = Picture(smooth, full(channels), "webp")
    write_picture(tmp_path / "a.webp", picture)
    again = read_picture(tmp_path / "a.webp")
    assert np.abs(again.pixels.astype(int) - smooth).max() < 12
    assert (again.metadata.icc, again.metadata.exif, again.metadata.xmp) == (
        picture.metadata.icc, picture.metadata.exif, picture.metadata.xmp)  # fmt: skip


def test_nothing_is_invented(tmp_path: Path) -> None:
    for suffix in (".png", ".jpg", ".webp", ".tif"):
        write_picture(tmp_path / f"a{suffix}", Picture(pixels(3), Metadata(), "png"))
        assert read_picture(tmp_path / f"a{suffix}").metadata == Metadata()
    write_picture(tmp_path / "a.jpg", Picture(pixels(3), Metadata(exif=full(3).exif), "png"))
    assert read_picture(tmp_path / "a.jpg").metadata.dpi is None


def test_exif_and_xmp_that_jpeg_cannot_hold_are_left_out_aloud(tmp_path: Path) -> None:
    made = Image.Exif()
    made[0x010E] = "x" * 70000
    picture = Picture(pixels(3), Metadata(exif=made.tobytes(), xmp=b"x" * 70000), "png")
    with pytest.warns(UserWarning, match=r"JPEG holds .* bytes of (exif|xmp): .*a\.jpg"):
        write_picture(tmp_path / "a.jpg", picture)
    assert read_picture(tmp_path / "a.jpg").metadata == Metadata()


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


def test_xmp_calls_the_picture_upright(tmp_path: Path) -> None:
    Image.new("RGB", (9, 8)).save(tmp_path / "a.jpg", xmp=XMP, exif=exif(6))
    picture = read_picture(tmp_path / "a.jpg")
    assert picture.metadata.xmp == XMP.replace(b'"6"', b'"1"')
    write_picture(tmp_path / "b.jpg", picture)
    assert read_picture(tmp_path / "b.jpg").size == picture.size == (9, 8)


def test_16_bits_are_rounded_to_the_nearest() -> None:
    values = np.arange(65536, dtype=np.uint16).reshape(256, 256, 1)
    assert np.array_equal(rounded(Picture(values, Metadata(), "png")).pixels, np.rint(values / 257).astype(np.uint8))


def test_to_pillow_and_back() -> None:
    for channels, bits in ((1, 8), (2, 8), (3, 8), (4, 8), (1, 16)):
        picture = Picture(pixels(channels, bits), full(channels), "png")
        again = from_pil(to_pil(picture))
        assert np.array_equal(again.pixels, picture.pixels)
        assert again.metadata == picture.metadata
    with pytest.raises(ValueError, match="16 bits and 3 channels: round it"):
        to_pil(Picture(pixels(3, 16), Metadata(), "png"))


@pytest.mark.parametrize(
    ("name", "size", "alpha", "bits", "message"),
    [
        ("a.jpg", (8, 8), True, 8, "JPEG has no alpha"),
        ("a.jpg", (8, 65536), False, 8, "65535 pixels a side"),
        ("a.webp", (16384, 8), False, 8, "16383 pixels a side"),
        ("a.bmp", (8, 8), False, 8, r"\.png .*\.tiff"),
        ("a", (8, 8), False, 8, "suffix"),
        ("a.tif", (30000, 30000), False, 16, "4 GiB"),
        ("a.png", (8, 8), False, 12, "8 or 16 bits"),
    ],
)
def test_what_a_format_cannot_hold_is_refused_before(
    name: str, size: tuple[int, int], alpha: bool, bits: int, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        check_writable(name, size, alpha=alpha, bits=bits)
    assert not Path(name).exists()


def test_what_a_format_can_hold_is_allowed() -> None:
    check_writable("a.JPG", (65535, 8), alpha=False, bits=16)
    check_writable("a.webp", (16383, 8), alpha=True, bits=16)
    check_writable("a.png", (70000, 70000), alpha=True, bits=16)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".tif"])
def test_a_full_disk_leaves_no_half_file(tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / f"a{suffix}"
    write_picture(path, Picture(pixels(3), Metadata(), "png"))
    before = path.read_bytes()

    def full_disk(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full_disk)
    with pytest.raises(OSError, match="No space"):
        write_picture(path, Picture(pixels(3, size=(50, 40)), Metadata(), "png"))
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_pixels_that_are_no_picture_are_refused() -> None:
    for values in (np.zeros((4, 4), np.uint8), np.zeros((4, 4, 5), np.uint8), np.zeros((4, 4, 3), np.float32)):
        with pytest.raises(ValueError, match="1 to 4"):
            Picture(values, Metadata(), "png")


# ---- broken variants that the tests above must reject


def test_a_mirror_in_place_of_a_turn_would_be_seen() -> None:
    values = pixels(3)
    assert len({turned(values, kind).tobytes() for kind in range(1, 9)}) == 8


def test_a_tiff_without_the_mark_of_alpha_would_be_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiff_writing, "_UNASSOCIATED", tiff._PREMULTIPLIED)
    picture = Picture(pixels(4, 16), Metadata(), "tiff")
    write_picture(tmp_path / "a.tif", picture)
    assert not np.array_equal(read_picture(tmp_path / "a.tif").pixels, picture.pixels)


def test_a_program_that_draws_is_not_run(tmp_path: Path) -> None:
    path = tmp_path / "drawing.eps"
    Image.new("RGB", (8, 8)).save(path)
    with pytest.raises(ValueError, match="EPS is a program that draws"):
        read_picture(path)
