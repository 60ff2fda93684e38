"""Degraded folders: sidecars that replay, frozen sets, pictures, and wrong input."""

import json
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cfmrestore.apis.degrade import degrade, replay
from cfmrestore.apis.degrade.preview import preview
from cfmrestore.datasets.frozen import verify
from tests.testing import fork_server, run_tool, write_images


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = write_images(tmp_path / "photos", count=3, side=50)
    write_images(folder / "deep", count=1, side=41, suffix=".jpg")
    return folder


def pixels(folder: Path) -> dict[str, np.ndarray]:
    return {p.relative_to(folder).as_posix(): np.asarray(Image.open(p)) for p in sorted(folder.rglob("*.png"))}


def same(a: Path, b: Path) -> bool:
    one, other = pixels(a), pixels(b)
    return one.keys() == other.keys() and all(np.array_equal(one[name], other[name]) for name in one)


def test_of_a_folder_those_that_are_held_out(tmp_path: Path) -> None:
    photos = write_images(tmp_path / "photos", count=5, side=16)
    degrade(photos, "bicubic", tmp_path / "low", split="held_out", freeze=True)
    assert set(pixels(tmp_path / "low" / "high")) == {"0.png", "4.png"}
    assert verify(tmp_path / "low") == 2


@pytest.mark.slow
def test_a_sidecar_replays_and_processes_do_not_matter(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cfmrestore.engine.jobs.get_context", lambda _: fork_server())
    degrade(photos, "real_esrgan", tmp_path / "a", seed=3)
    degrade(photos, "real_esrgan", tmp_path / "b", seed=3, workers=2)
    for part in ((0, 2), (1, 2)):
        degrade(photos, "real_esrgan", tmp_path / "c", seed=3, part=part)
    assert set(pixels(tmp_path / "a")) == {"0.png", "1.png", "2.png", "deep/0.png"}
    assert pixels(tmp_path / "a")["deep/0.png"].shape == (11, 11, 3)
    assert same(tmp_path / "a", tmp_path / "b")
    assert same(tmp_path / "a", tmp_path / "c")
    replay(photos, tmp_path / "a", tmp_path / "again", workers=2)
    assert same(tmp_path / "a", tmp_path / "again")
    replay(photos / "1.png", tmp_path / "a" / "1.json", tmp_path / "one")
    assert np.array_equal(pixels(tmp_path / "one")["1.png"], pixels(tmp_path / "a")["1.png"])
    degrade(photos, "real_esrgan", tmp_path / "other", seed=4)
    assert not same(tmp_path / "a", tmp_path / "other")


def test_the_draw_is_that_of_training(photos: Path, tmp_path: Path) -> None:
    from cfmrestore.datasets import ImageFolder
    from cfmrestore.datasets.draws import Draw
    from cfmrestore.engine.panels import to_pixels
    from cfmrestore.flows.preprocessor import RestorationPreprocessor

    degrade(photos, "blur_noise_jpeg", tmp_path / "low", seed=5, epoch=2)
    dataset = ImageFolder(data_root=str(photos), seed=5)
    from cfmrestore.engine.config import presets

    steps = presets.resolved("blur_noise_jpeg")["degradation"]
    sample = dataset[Draw(0, 2, 0)]
    batch = {
        "inputs": {"high": [sample["inputs"]["high"]]},
        "data_samples": {key: [value] for key, value in sample["data_samples"].items()},
    }
    low = RestorationPreprocessor(degradation=steps)(batch)["inputs"]["low"]
    stored = pixels(tmp_path / "low")[Path(sample["data_samples"]["name"]).with_suffix(".png").as_posix()]
    assert np.array_equal(to_pixels(low[0]), stored)


def test_a_frozen_set_replays_from_its_photographs(photos: Path, tmp_path: Path) -> None:
    degrade(photos, "stablesr", tmp_path / "set", freeze=True)
    replay(photos, tmp_path / "set" / "low", tmp_path / "again")  # 50 pixels are cropped to 48, and sharpened, again
    assert same(tmp_path / "set" / "low", tmp_path / "again")
    assert not np.array_equal(pixels(tmp_path / "set" / "high")["0.png"], pixels(photos)["0.png"][:48, :48])


def test_a_frozen_set_replaces_and_adopts_nothing(photos: Path, tmp_path: Path) -> None:
    write_images(tmp_path / "set" / "high", count=2, side=50)
    before = pixels(tmp_path / "set" / "high")
    with pytest.raises(ValueError, match=r"high/0\.png would be replaced by its own degradation"):
        degrade(tmp_path / "set" / "high", "bicubic", tmp_path / "set", freeze=True, overwrite=True)
    with pytest.raises(ValueError, match="files are there already"):
        degrade(photos, "bicubic", tmp_path / "set", freeze=True)
    assert all(np.array_equal(before[name], now) for name, now in pixels(tmp_path / "set" / "high").items())
    (tmp_path / "set" / "notes.txt").write_text("mine")
    with pytest.raises(ValueError, match=r"notes\.txt, which is not of this set"):
        degrade(photos, "bicubic", tmp_path / "set", freeze=True, overwrite=True)


def test_pictures(photos: Path, tmp_path: Path) -> None:
    files = preview(photos / "0.png", "real_esrgan", tmp_path / "sheet.png", draws=5)
    assert [file.name for file in files] == ["sheet.png", "sheet_kernels.png"]
    sheet = np.asarray(Image.open(files[0]))
    assert sheet.shape[1] == 4 * (50 + 6)
    assert len({sheet[30:50, x : x + 50].tobytes() for x in (0, 56, 112, 168)}) == 4  # every draw is another
    assert preview(photos / "0.png", "dejpeg", tmp_path / "jpeg.png", draws=1) == [tmp_path / "jpeg.png"]
    with pytest.raises(ValueError, match=r"jpeg\.png is there already: .*--overwrite"):
        preview(photos / "0.png", "dejpeg", tmp_path / "jpeg.png", draws=1)
    preview(photos / "0.png", "dejpeg", tmp_path / "jpeg.png", draws=1, overwrite=True)
    for keys, message in (({"draws": 0}, "one draw or more"), ({"out": tmp_path / "a.jpg"}, ".png file")):
        with pytest.raises(ValueError, match=message):
            preview(photos / "0.png", "bicubic", **{"out": tmp_path / "x.png", **keys})


def test_nothing_is_overwritten_unasked(photos: Path, tmp_path: Path) -> None:
    degrade(photos / "0.png", "bicubic", tmp_path)
    with pytest.raises(ValueError, match="2 files are there already"):
        degrade(photos, "bicubic", tmp_path)
    degrade(photos, "bicubic", tmp_path, overwrite=True)
    write_images(photos, count=1, suffix=".bmp")
    with pytest.raises(ValueError, match=r"several images would be written to .*0\.png"):
        degrade(photos, "bicubic", tmp_path / "new")


def test_of_one_image_the_result_has_the_name_that_is_given(photos: Path, tmp_path: Path) -> None:
    (file,) = degrade(photos / "0.png", "real_esrgan", tmp_path / "one.png")
    assert file == tmp_path / "one.png"
    assert np.asarray(Image.open(file)).any()
    (again,) = replay(photos / "0.png", tmp_path / "one.json", tmp_path / "again.png")
    assert np.array_equal(np.asarray(Image.open(file)), np.asarray(Image.open(again)))
    with pytest.raises(ValueError, match=r"degraded images are \.png files; got .*one\.jpg"):
        degrade(photos / "0.png", "bicubic", tmp_path / "one.jpg")
    for keys in ({"source": photos}, {"source": photos / "0.png", "freeze": True}):
        with pytest.raises(ValueError, match=r"new\.png' is the name of an image.*: name a folder"):
            degrade(**{"preset": "bicubic", "out": tmp_path / "new.png", **keys})


def test_a_preset_that_cannot_be_built_is_one_message(photos: Path, tmp_path: Path) -> None:
    preset = tmp_path / "own.py"
    preset.write_text('scale = 4\ndegradation = [dict(type="NoSuchBlur")]\n')
    with pytest.raises(ValueError, match=r"the preset .*own\.py': unknown degradation 'NoSuchBlur'.*--plugin") as told:
        degrade(photos, str(preset), tmp_path / "low")
    assert str(told.value).count("NoSuchBlur") == 1


def bomb() -> bytes:
    """A PNG whose header promises 40000 x 40000 pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 40_000, 40_000, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def test_one_bad_image_stops_no_other(photos: Path, tmp_path: Path) -> None:
    (photos / "bad.png").write_bytes(b"no image")
    (photos / "bomb.png").write_bytes(bomb())
    with pytest.raises(ValueError, match=r"(?s)2 of 6 failed.*bad\.png: cannot read.*bomb\.png: cannot read.*pixels"):
        degrade(photos, "bicubic", tmp_path / "low")
    assert len(pixels(tmp_path / "low")) == 4


def test_every_kind_of_image(tmp_path: Path) -> None:
    folder = tmp_path / "kinds"
    folder.mkdir()
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 256, (9, 7), np.uint8)).save(folder / "gray.png")
    Image.fromarray(rng.integers(0, 256, (9, 7, 4), np.uint8)).save(folder / "alpha.png")
    Image.fromarray(rng.integers(0, 65536, (9, 7), np.uint16)).save(folder / "deep.png")
    Image.fromarray(rng.integers(0, 256, (1, 1, 3), np.uint8)).save(folder / "pixel.png")
    degrade(folder, "real_esrgan", tmp_path / "low")
    assert {name: p.shape for name, p in pixels(tmp_path / "low").items()} == {
        "alpha.png": (3, 2, 3), "deep.png": (3, 2, 3), "gray.png": (3, 2, 3), "pixel.png": (1, 1, 3),
    }  # fmt: skip
    with pytest.raises(ValueError, match=r"pixel\.png: 1x1 pixels are too few for the scale 4"):
        degrade(folder, "bicubic", tmp_path / "set", freeze=True)


def test_a_replay_that_cannot_be_the_same_is_refused(photos: Path, tmp_path: Path) -> None:
    degrade(photos / "0.png", "blur_noise_jpeg", tmp_path / "low")
    sidecar = tmp_path / "low" / "0.json"
    recipe = json.loads(sidecar.read_text())

    def changed(**keys: object) -> Path:
        path = tmp_path / "changed.json"
        path.write_text(json.dumps({**recipe, **keys}))
        return path

    for keys, message in (
        ({"source_sha256": "0"}, "is not the image that was degraded"),
        ({"pixels_sha256": "0"}, "was degraded to other pixels"),
        ({"format": 9}, "has format 9"),
        ({"image": "none.png"}, "the image 'none.png' is not in"),
        ({"degradation": [{"type": "Clip"}]}, "these parameters are of 4 operators, the chain has 1"),
        ({"degradation": [{"type": "Unknown"}]}, "Unknown"),
        ({"degradation": [{"type": "os.mkdir", "path": str(tmp_path / "made")}]}, "unknown degradation 'os.mkdir'"),
        ({"target": [{"type": "Clip", "_scope_": "idlelib"}]}, "has no '_scope_'"),
        ({"params": {}}, "parameters of the sidecar are damaged"),
    ):
        with pytest.raises(ValueError, match=message):
            replay(photos, changed(**keys), tmp_path / "out")
    assert not (tmp_path / "made").exists()
    (tmp_path / "list.json").write_text("[]")
    with pytest.raises(ValueError, match="is no sidecar: it lacks"):
        replay(photos, tmp_path / "list.json", tmp_path / "out")
    with pytest.raises(ValueError, match="no sidecars"):
        replay(photos, photos, tmp_path / "out")


@pytest.mark.slow
def test_the_tool(photos: Path, tmp_path: Path) -> None:
    assert "colorize               Gray photographs\n" in run_tool("degrade.py", "--list")
    out = run_tool("degrade.py", photos, "--preset", "bicubic", "--out", tmp_path / "low", "--scale", 2, "--workers", 2)
    assert f"4 images in {tmp_path / 'low'}" in out
    assert "%" not in out  # the line of progress is for terminals, and for what takes long
    assert pixels(tmp_path / "low")["0.png"].shape == (25, 25, 3)
    run_tool("degrade.py", photos, "--preset", "bicubic", "--scale", 2, "--out", tmp_path / "two", ranks=2)
    assert same(tmp_path / "low", tmp_path / "two")
    run_tool("degrade.py", photos, "--preset", "bicubic_x2", "--out", tmp_path / "named")
    assert same(tmp_path / "low", tmp_path / "named")
    run_tool("degrade.py", photos, "--replay", tmp_path / "low", "--out", tmp_path / "again")
    assert same(tmp_path / "low", tmp_path / "again")
    run_tool("degrade.py", photos, "--preset", "bicubic", "--freeze", "--out", tmp_path / "set")
    assert "4 images, all as frozen" in run_tool("degrade.py", "--verify", tmp_path / "set")
    run_tool("degrade.py", photos / "0.png", "--preset", "deblur", "--preview", tmp_path / "sheet.png", "--draws", 2)
    assert (tmp_path / "sheet_kernels.png").exists()
    for args, message in (
        ([photos, "--preset", "none", "--out", tmp_path / "x"], "there is no degradation preset 'none'"),
        (
            [photos, "--preset", "bicubic_x2", "--scale", 4, "--out", tmp_path / "x"],
            "'bicubic_x2' says another scale than 4",
        ),
        ([tmp_path / "none", "--preset", "bicubic", "--out", tmp_path / "x"], "there is no file or folder"),
        ([photos, "--preset", "bicubic"], "--out FOLDER"),
        (["--preset", "bicubic", "--out", tmp_path / "x"], "name an image or a folder"),
        ([photos, "--preset", "bicubic", "--scale", 0, "--out", tmp_path / "x"], "scale must be positive; got 0"),
    ):
        output = run_tool("degrade.py", *args, expect=1)
        assert message in output
        assert "Traceback" not in output
