"""What a click does: which files are taken, what is asked of the model, what is written, and what is deleted."""

import json
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from cfmrestore.demo import uploads
from cfmrestore.restore import spread
from tests.demo import FakeRestorer

LIMITS = uploads.Limits(max_side=64, max_bytes=20_000)


def picture(path: Path, size: tuple[int, int] = (20, 10), **options: Any) -> Path:
    Image.new("RGB", size, (10, 60, 200)).save(path, **options)
    return path


def restore(
    folder: Path, source: Path, restorer: FakeRestorer, **settings: Any
) -> tuple[uploads.PageResult, list[float]]:
    heard: list[float] = []
    outcome = uploads.restore_upload(
        restorer,
        source,
        uploads.PageSettings(**{"scale": 2, **settings}),
        limits=LIMITS,
        folder=folder / "results",
        on_progress=heard.append,
    )
    return outcome, heard


def test_one_restoration_is_written(tmp_path: Path) -> None:
    restorer = FakeRestorer()
    settings = {"seed": 7, "fidelity": 0.25, "num_intervals": 3, "solver": "Heun", "consistency": True}
    outcome, heard = restore(tmp_path, picture(tmp_path / "a b.png"), restorer, **settings)
    assert restorer.calls == [{"size": (20, 10), "scale": 2, **settings}]
    assert heard == [pytest.approx((k + 1) / 10) for k in range(10)]
    (files,) = outcome.restored
    assert files.file.name == "a_b-x2.png"
    with Image.open(files.file) as image:
        assert image.size == (40, 20)
        assert image.getpixel((0, 0)) == (240, 220, 7)
        assert image.info["Software"].startswith("cfmrestore ")
        assert json.loads(image.info["cfmrestore"]) == {"scale": 2, **settings}
    with Image.open(files.before) as before, Image.open(files.after) as after:
        assert before.size == after.size == (40, 20)
        assert before.getpixel((0, 0)) == (10, 60, 200)
        assert after.getpixel((0, 0)) == (240, 220, 7)
    assert outcome.spread is None
    assert "20 x 10 → 40 x 20 pixels, seed 7" in outcome.summary


def test_choices_that_are_left_are_the_models_own(tmp_path: Path) -> None:
    restorer = FakeRestorer()
    restore(tmp_path, picture(tmp_path / "a.png"), restorer)
    left = dict.fromkeys(("fidelity", "num_intervals", "solver", "consistency"))
    assert restorer.calls == [{"size": (20, 10), "scale": 2, "seed": 0, **left}]


def test_samples_and_their_spread_are_written(tmp_path: Path) -> None:
    outcome, _ = restore(tmp_path, picture(tmp_path / "a.png"), FakeRestorer(), samples=3, seed=1)
    assert [files.file.name for files in outcome.restored] == ["a-x2-1.png", "a-x2-2.png", "a-x2-3.png"]
    assert [Image.open(files.file).getpixel((0, 0)) for files in outcome.restored] == [
        (240, 220, 1), (240, 220, 41), (240, 220, 81)
    ]  # fmt: skip
    assert [json.loads(Image.open(f.file).info["cfmrestore"])["seed"] for f in outcome.restored] == [1, 2, 3]
    assert outcome.spread is not None
    assert Image.open(outcome.spread).size[0] == 480


def test_large_results_are_shown_smaller_and_kept_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "PREVIEW_SIDE", 16)
    outcome, _ = restore(tmp_path, picture(tmp_path / "a.png"), FakeRestorer())
    sizes = [Image.open(p).size for p in (outcome.restored[0].file, outcome.restored[0].after)]
    assert sizes == [(40, 20), (16, 8)]
    assert "shown smaller" in outcome.summary


def test_pictures_are_turned_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    restorer = FakeRestorer()
    restore(tmp_path, picture(tmp_path / "a.jpg", exif=exif), restorer)
    assert restorer.calls[0]["size"] == (10, 20)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK", "I;16"])
def test_every_mode_can_be_shown(tmp_path: Path, mode: str) -> None:
    image = Image.new(mode, (8, 8))
    assert uploads.to_displayable(image).mode in ("L", "RGB", "RGBA")
    assert uploads.to_displayable(image).size == (8, 8)


def test_sixteen_bits_are_rounded_not_cut() -> None:
    values = np.array([[0, 257, 65535, 32768]], dtype=np.uint16)
    assert np.asarray(uploads.to_displayable(Image.fromarray(values))).tolist() == [[0, 1, 255, 128]]


def test_wrong_files_are_refused(tmp_path: Path) -> None:
    text = tmp_path / "text.png"
    text.write_text("no picture")
    drawing = tmp_path / "a.png"
    Image.new("RGB", (8, 8)).save(drawing, format="EPS")  # another program would be started to read it
    large = tmp_path / "large.png"
    large.write_bytes(np.random.default_rng(0).bytes(20_001))
    broken = tmp_path / "broken.png"
    broken.write_bytes(picture(tmp_path / "b.png", (60, 60)).read_bytes()[:-30])
    for path, message in (
        (text, "This is no picture. BMP"),
        (drawing, "This is no picture. BMP"),
        (large, "20,001 bytes. At most 20,000"),
        (broken, "damaged"),
        (picture(tmp_path / "wide.png", (65, 4)), "65 x 4. At most 64 pixels"),
    ):
        with pytest.raises(ValueError, match=message) as caught:
            uploads.open_upload(path, LIMITS)
        assert str(tmp_path) not in str(caught.value)


def test_one_frame_is_taken_and_not_the_first_of_many(tmp_path: Path) -> None:
    still = Image.new("RGB", (8, 8))
    still.save(tmp_path / "still.gif")
    still.save(tmp_path / "moving.gif", save_all=True, append_images=[Image.new("RGB", (8, 8), "red")])
    assert uploads.open_upload(tmp_path / "still.gif", LIMITS).size == (8, 8)
    with pytest.raises(ValueError, match="holds 2 frames or pages"):
        uploads.open_upload(tmp_path / "moving.gif", LIMITS)


def test_sizes_are_refused_before_pixels_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = picture(tmp_path / "a.png", (100, 100))
    monkeypatch.setattr(Image.Image, "load", lambda _: pytest.fail("the pixels were read"))
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", lambda _: pytest.fail("the pixels were read"))
    with pytest.raises(ValueError, match="100 x 100"):
        uploads.open_upload(path, LIMITS)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(ValueError, match="too large"):
        uploads.open_upload(path, LIMITS)


@pytest.mark.parametrize(
    ("name", "value"),
    [("scale", 0), ("scale", 9), ("seed", -1), ("fidelity", 1.5), ("num_intervals", 101), ("samples", 9)],
)
def test_wrong_settings_are_named(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"{name.replace('_', ' ')} is {value}: take a number from"):
        uploads.PageSettings(**{"scale": 2, name: value})


def test_limits_are_positive() -> None:
    with pytest.raises(ValueError, match="positive"):
        uploads.Limits(max_side=0)


def test_old_files_are_deleted(tmp_path: Path) -> None:
    old, new = tmp_path / "x" / "old.png", tmp_path / "y" / "new.png"
    for path in (old, new):
        path.parent.mkdir()
        path.write_text("")
    past = time.time() - 100
    os.utime(old, (past, past))
    assert uploads.delete_old_files(tmp_path, 50) == 1
    assert not old.exists()
    assert new.exists()
    os.utime(old.parent, (past, past))
    assert uploads.delete_old_files(tmp_path, 50) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["y"]


def test_every_solver_can_be_chosen() -> None:
    assert {"Euler", "Heun", "DoPri5"} <= set(uploads.solver_names())


def luminance(colors: np.ndarray) -> np.ndarray:
    encoded = colors / 255
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


def test_colors_grow_brighter_evenly() -> None:
    lightness = np.cbrt(luminance(spread.colors()))
    assert (np.diff(lightness[::8]) > 0).all()
    assert lightness[0] < 0.15
    assert lightness[-1] > 0.9
    assert np.diff(lightness[::32]).std() < 0.25 * np.diff(lightness[::32]).mean()
    jumps = np.abs(np.diff(spread.colors().astype(int), axis=0)).max()
    assert jumps <= 12


def test_a_spread_has_its_colors() -> None:
    values = np.array([[0.0, 5.0], [10.0, 90.0]])
    table = spread.colors()
    seen = np.asarray(spread.spread_picture(values, top=10, legend=False))
    assert np.array_equal(seen, table[[[0, 128], [255, 255]]])


@pytest.mark.parametrize(("highest", "top"), [(0, 1), (0.4, 1), (3, 5), (51, 100), (127.5, 128), (300, 128)])
def test_the_brightest_color_is_a_round_number(highest: float, top: float) -> None:
    assert spread.top_of(np.full((4, 4), highest)) == top


def test_few_pixels_do_not_set_the_colors() -> None:
    values = np.full((40, 40), 1.5)
    values[0, 0] = 100
    assert spread.top_of(values) == 2


def test_the_legend_is_below_the_picture() -> None:
    seen = np.asarray(spread.spread_picture(np.zeros((30, 500)), top=4))
    assert (seen[:30] == spread.colors()[0]).all()
    bar = seen[30 + 15 // 3 + 7, :]
    assert np.array_equal(bar[0], spread.colors()[0])
    assert np.array_equal(bar[-1], spread.colors()[-1])
    assert (seen[-12:] < 80).any()  # numbers


@pytest.mark.parametrize("values", [np.zeros((2, 2, 3)), np.zeros((0, 2)), np.full((2, 2), np.nan)])
def test_what_is_no_spread_is_named(values: np.ndarray) -> None:
    with pytest.raises(ValueError, match="of finite numbers"):
        spread.spread_picture(values)
    with pytest.raises(ValueError, match="more than 0 levels"):
        spread.spread_picture(np.zeros((2, 2)), top=0)


def test_an_upload_that_is_gone(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"The picture was deleted, since it had waited for long\. Choose it again"):
        uploads.open_upload(tmp_path / "gone.png", LIMITS)
