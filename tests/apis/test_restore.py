"""tools/restore.py on files, as a person runs it."""

import errno
import json
import os
import shutil
import signal
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cfmrestore.apis.restore import restore
from cfmrestore.restore import Settings
from tests.restore.flows import save_model
from tests.testing import TINY, call_tool, environment, run_tool, small_options, start_tool, write_images


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_model(tmp_path_factory.mktemp("model") / "small.pth")


def pixels(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path))


def test_what_training_leaves_restores(tmp_path: Path) -> None:
    run_tool("train.py", TINY, "--work-dir", tmp_path / "run", "--no-validate", options=small_options(tmp_path))
    output = run_tool("restore.py", tmp_path / "images", "--model", tmp_path / "run", "--out", tmp_path / "out")
    assert "6 files written" in output
    assert pixels(tmp_path / "out" / "0.png").shape == (128, 128, 3)
    # the config and the checkpoint by themselves say the same
    options = {key: value for key, value in small_options(tmp_path).items() if key.startswith("model.")}
    args = [tmp_path / "images" / "0.png", "--model", tmp_path / "run", "--config", TINY, "--out", tmp_path / "one.png"]
    run_tool("restore.py", *args, options=options)
    assert np.array_equal(pixels(tmp_path / "one.png"), pixels(tmp_path / "out" / "0.png"))


def test_two_processes_write_what_one_writes(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Though torchrun allows a process one thread, and a process alone takes all cores."""
    images = write_images(tmp_path / "images", count=5)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    variables = {key: value for key, value in environment().items() if key != "OMP_NUM_THREADS"}
    monkeypatch.setattr("tests.testing.environment", lambda: variables)
    for ranks, out in ((0, "one"), (2, "two")):
        run_tool("restore.py", images, "--model", model, "--seed", 3, "--out", tmp_path / out, ranks=ranks)
    files = sorted(path.relative_to(tmp_path / "one") for path in (tmp_path / "one").rglob("*") if path.is_file())
    assert len(files) == 2 * 5  # with the record of each
    for name in files:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_files_folders_and_patterns(model: Path, tmp_path: Path) -> None:
    write_images(tmp_path / "a" / "deep", count=2)
    write_images(tmp_path / "b", count=3, suffix=".jpg")
    single = write_images(tmp_path / "c ü", count=1) / "0.png"
    inputs = [tmp_path / "a", tmp_path / "b" / "*.jpg", single]
    done = restore(inputs, model, tmp_path / "out", suffix="_x4")
    names = sorted(path.relative_to(tmp_path / "out").as_posix() for path in done)
    assert names == ["0_x4.jpg", "0_x4.png", "1_x4.jpg", "2_x4.jpg", "deep/0_x4.png", "deep/1_x4.png"]
    restore([tmp_path / "b" / "0.jpg"], model, tmp_path / "photo ö.webp")
    assert pixels(tmp_path / "photo ö.webp").shape == (128, 128, 3)
    restore([tmp_path / "b"], model, tmp_path / "tif", format="tif")
    assert sorted(path.name for path in (tmp_path / "tif").glob("*.tif")) == ["0.tif", "1.tif", "2.tif"]


def test_a_broken_run_goes_on(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    images = write_images(tmp_path / "images", count=3)
    out = tmp_path / "out"
    restore([images], model, out)
    (out / "1.png").unlink()
    before = (out / "0.png").stat().st_mtime_ns
    assert restore([images], model, out) == [out / "1.png"]
    assert "2 of 3 are there already" in capsys.readouterr().err
    assert (out / "0.png").stat().st_mtime_ns == before
    assert restore([images], model, out, settings=Settings(tile=32)) == []  # the same picture
    with pytest.raises(ValueError, match=r"made otherwise \(seed 0, now 1\)"):
        restore([images], model, out, settings=Settings(seed=1))
    assert len(restore([images], model, out, settings=Settings(seed=1), overwrite=True)) == 3
    assert json.loads((out / ".restored" / "0.png.json").read_text())["settings"]["seed"] == 1


def test_results_of_two_recipes_do_not_mix(model: Path, tmp_path: Path) -> None:
    first, second = (write_images(tmp_path / name, count=1, seed=seed) for seed, name in enumerate(("a", "b")))
    out = tmp_path / "out"
    restore([first], model, out)
    with pytest.raises(ValueError, match=r"0.png was made otherwise \(another input\)"):
        restore([second], model, out)
    (second / "0.png").rename(second / "other.png")
    restore([second], model, out, settings=Settings(seed=1))
    assert restore([first], model, out) == []  # still of its own recipe
    with pytest.raises(ValueError, match="precision auto, now bf16"):
        restore([first], model, out, precision="bf16")
    another = save_model(tmp_path / "small.pth", seed=5)
    with pytest.raises(ValueError, match="another model"):
        restore([first], another, out)
    (out / ".restored" / "0.png.json").unlink()
    with pytest.raises(ValueError, match="no record of how it was made"):
        restore([first], model, out)
    single = tmp_path / "single.png"
    restore([first], model, single)
    with pytest.raises(ValueError, match="is there already: --overwrite"):
        restore([first], model, single)
    assert restore([first], model, single, overwrite=True) == [single]


def test_a_broken_file_is_named_once(model: Path, tmp_path: Path) -> None:
    image = write_images(tmp_path, count=1) / "0.png"
    image.write_bytes(image.read_bytes()[:500])
    with pytest.raises(ValueError, match=r"failed:\n  (.*0\.png): cannot read it: ") as caught:
        restore([image], model, tmp_path / "out")
    assert str(caught.value).count("0.png") == 1


@pytest.mark.parametrize(("below", "suffix"), [("restored", ""), ("", "_x4")])
def test_results_are_no_inputs(model: Path, tmp_path: Path, below: str, suffix: str) -> None:
    images = write_images(tmp_path / "images", count=2)
    assert len(restore([images], model, images / below, suffix=suffix)) == 2
    assert restore([images], model, images / below, suffix=suffix) == []


def test_results_below_a_searched_folder_are_left_out(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    images = write_images(tmp_path / "images", count=2)
    restore([images], model, images / "large", samples=2)
    assert len(restore([images], model, images / "other")) == 2
    assert f"8 in {images / 'large'} are results of runs before, and left out" in capsys.readouterr().err
    assert restore([images], model, images / "other") == []
    assert len(restore([images / "large"], model, tmp_path / "larger")) == 8  # which was named
    assert len(restore([f"{images}/*/0*.png"], model, tmp_path / "those")) > 1  # by a pattern, too


def test_photographs_beside_results_are_none(model: Path, tmp_path: Path) -> None:
    """Of a folder whose results lie among its photographs the results alone are left out."""
    images = write_images(tmp_path / "images" / "2020", count=2)
    restore([images], model, images, suffix="_x4", samples=2)
    files = restore([tmp_path / "images"], model, tmp_path / "out")
    assert sorted(file.relative_to(tmp_path / "out").as_posix() for file in files) == ["2020/0.png", "2020/1.png"]


def test_no_input_is_overwritten_by_a_sample(model: Path, tmp_path: Path) -> None:
    images = write_images(tmp_path / "images", count=1)
    (images / "0_x_0.png").write_bytes((images / "0.png").read_bytes())
    with pytest.raises(ValueError, match=r"0_x_0.png would be replaced by a restoration"):
        restore([images], model, images, suffix="_x", samples=2)


def test_any_error_of_one_image_leaves_the_rest_done(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = write_images(tmp_path / "images", count=3)
    from cfmrestore.restore import Restorer

    original, calls = Restorer.restore, []

    def sometimes(*args: object, **kwargs: object) -> object:
        calls.append(1)
        if len(calls) == 2:
            raise RuntimeError("of some kind")
        return original(*args, **kwargs)

    monkeypatch.setattr(Restorer, "restore", sometimes)
    with pytest.raises(ValueError, match=r"1 of 3 failed, the others are done:\n.*1.png: RuntimeError: of some kind"):
        restore([images], model, tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").glob("*.png")) == ["0.png", "2.png"]


def test_a_folder_may_be_called_like_a_file(model: Path, tmp_path: Path) -> None:
    images = write_images(tmp_path / "images", count=1)
    assert restore([images], model, tmp_path / "out.v2") == [tmp_path / "out.v2" / "0.png"]
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match="is a file: name a folder"):
        restore([images], model, tmp_path / "file")


def test_bad_files_are_named_and_the_rest_is_done(model: Path, tmp_path: Path) -> None:
    images = write_images(tmp_path / "images", count=3)
    (images / "bad.png").write_bytes((images / "0.png").read_bytes()[:60])
    (images / "empty.png").touch()
    frames = [Image.fromarray(np.full((8, 8), level, np.uint8)) for level in (0, 200)]
    frames[0].save(images / "moves.gif", save_all=True, append_images=frames[1:])
    output = call_tool("restore.py", images, "--model", model, "--out", tmp_path / "out")
    assert "3 of 6 failed, the others are done" in output
    for name in ("bad.png", "empty.png", "moves.gif"):
        assert name in output
    assert "Traceback" not in output
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [".restored", "0.png", "1.png", "2.png"]


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["none.png"], "there is no file or folder 'none.png'"),
        (["IMAGES", "--model", "none"], "there is no model 'none'"),
        (["IMAGES", "--format", "gif"], "unknown format 'gif'; known are png, jpg, webp, avif, tif"),
        (["IMAGES", "--suffix", "/x"], "the suffix becomes part of a name"),
        (["IMAGES", "--out", "IMAGES"], "would be replaced by a restoration"),
        (["IMAGES", "--fidelity", "2"], "needs a fidelity from 0 to 1; got 2.0"),
        (["IMAGES", "--fidelity", "0,1", "--samples", "2"], "at fidelity 1 nothing is drawn, so 2 samples"),
        (["IMAGES", "--fidelity", "0,2"], "needs a fidelity from 0 to 1; got 2.0"),
        (["IMAGES", "--fidelity", "0,x"], "it is a number, or several between commas; got '0,x'"),
        (["IMAGES", "--fidelity", "0,1", "--out", "IMAGES/x.png"], "2 fidelities make a file each: name a folder"),
        (["IMAGES", "--device", "tpu"], "unknown device 'tpu'"),
        (["IMAGES", "--samples", "0"], "samples must be 1 or more"),
        (["IMAGES", "--out", "IMAGES/x.gif"], ".gif is not written: name a folder, or a file of .png"),
        (["IMAGES", "--out", "IMAGES/0.png/below"], "cannot be written into: name another"),
        (["IMAGES", "--tile", "-4"], "tile must be"),
        (["IMAGES", "--threads", "0"], "threads must be 1 or more"),
        (["IMAGES", "--solver", "Hoin"], "unknown solver 'Hoin'"),
    ],
)
def test_wrong_arguments(model: Path, tmp_path: Path, args: list[str], message: str) -> None:
    images = write_images(tmp_path / "images", count=1)
    given = [one.replace("IMAGES", str(images)) for one in args]
    for flag, value in (("--model", model), ("--out", tmp_path / "out")):
        if flag not in given:
            given += [flag, str(value)]
    output = call_tool("restore.py", *given)
    assert message in output
    assert "Traceback" not in output
    assert not list((tmp_path / "out").glob("*.png"))


def test_several_fidelities_make_a_file_each(model: Path, tmp_path: Path) -> None:
    images = write_images(tmp_path / "images", count=1)
    run_tool("restore.py", images, "--model", model, "--out", tmp_path / "out", "--fidelity", "0,0.5,1")
    names = ["0_fidelity0.5.png", "0_fidelity0.png", "0_fidelity1.png"]
    assert sorted(path.name for path in (tmp_path / "out").glob("*.png")) == names
    for value in (0.0, 0.5, 1.0):
        (alone,) = restore([images], model, tmp_path / f"{value:g}", settings=Settings(fidelity=value))
        assert np.array_equal(pixels(tmp_path / "out" / f"0_fidelity{value:g}.png"), pixels(alone))


def test_names_that_differ_by_their_suffix_alone(model: Path, tmp_path: Path) -> None:
    images = write_images(tmp_path / "images", count=1)
    write_images(tmp_path / "images", count=1, suffix=".bmp")
    named = f"several images would be written to .*0.png: {images / '0.bmp'}, {images / '0.png'}. Rename"
    with pytest.raises(ValueError, match=named):
        restore([images], model, tmp_path / "out")


def test_what_cannot_be_honored_is_refused(model: Path, tmp_path: Path) -> None:
    image, out = write_images(tmp_path / "images", count=1) / "0.png", tmp_path / "out"
    with pytest.raises(ValueError, match=r"the format png does not fit the file .*x\.jpg"):
        restore([image], model, tmp_path / "x.jpg", format="png")
    with pytest.raises(ValueError, match=r"consistency is for whole scales; got 2\.5"):
        restore([image], model, out, settings=Settings(consistency=True, scale=2.5))
    with pytest.raises(ValueError, match="at fidelity 1 nothing is drawn, so 2 samples would be the same"):
        restore([image], model, out, settings=Settings(fidelity=1.0), samples=2)
    assert restore([image], model, tmp_path / "x.jpg", format="jpg")


def test_a_run_of_other_settings_says_which(model: Path, tmp_path: Path) -> None:
    image, out = write_images(tmp_path / "images", count=1) / "0.png", tmp_path / "out"
    restore([image], model, out, settings=Settings(num_intervals=1))
    changed = Settings(num_intervals=1, seed=3, fidelity=0.5)
    with pytest.raises(ValueError, match=r"made otherwise \(seed 0, now 3, fidelity the model's own, now 0\.5\)"):
        restore([image], model, out, settings=changed)
    told = r"\(scale the model's own, now 2\): write into another folder or .*--suffix.*--overwrite"
    with pytest.raises(ValueError, match=told):
        restore([image], model, out, settings=Settings(num_intervals=1, scale=2.0))


def test_16_bits_that_a_format_rounds_are_told(model: Path, tmp_path: Path) -> None:
    gray = np.full((8, 8), 300, np.uint16)
    Image.fromarray(gray).save(tmp_path / "deep.png")
    with pytest.warns(UserWarning, match=r"webp holds 8 bits: the 16 of .*deep\.webp' are rounded"):
        restore([tmp_path / "deep.png"], model, tmp_path / "deep.webp")


def test_samples_and_their_spread(model: Path, tmp_path: Path) -> None:
    images = write_images(tmp_path / "images", count=1)
    done = restore([images], model, tmp_path / "out", samples=2)
    assert [path.name for path in done] == ["0_0.png", "0_1.png", "0_spread.png", "0_spread_levels.png"]
    first, second, colored, levels = (pixels(path) for path in done)
    assert not np.array_equal(first, second)
    assert first.shape == colored.shape  # to be laid over the result
    expected = np.sqrt(((first.astype(float) - second) ** 2 / 4).mean(axis=-1))
    assert np.abs(levels.squeeze() / 256 - expected).max() < 1  # samples are rounded to 8 bits in their files
    assert restore([images], model, tmp_path / "out", samples=2) == []


def test_a_full_disk_leaves_nothing_half_written(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    images = write_images(tmp_path / "images", count=3)
    synced = os.fsync
    calls = []

    def full(handle: int) -> None:
        calls.append(handle)
        if len(calls) == 3:  # the first image, its record, and then
            raise OSError(errno.ENOSPC, "No space left on device")
        synced(handle)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ValueError, match="the disk is full: 1 of 3 are done"):
        restore([images], model, tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [".restored", "0.png"]
    monkeypatch.undo()
    assert [path.name for path in restore([images], model, tmp_path / "out")] == ["1.png", "2.png"]


def test_an_interruption_leaves_nothing_half_written(model: Path, tmp_path: Path) -> None:
    images, out = write_images(tmp_path / "images", count=40, side=64), tmp_path / "out"
    args = [images, "--model", model, "--out", out, "--num-intervals", 20]
    process = start_tool("restore.py", *args, log=tmp_path / "log")
    while not list(out.glob("*.png")):
        assert process.is_alive()
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGINT)
    process.join()
    assert process.exitcode == 130
    errors = (tmp_path / "log").read_text()
    assert "interrupted; the same command goes on where it stopped" in errors
    assert "Traceback" not in errors
    done = [path.name for path in out.iterdir() if path.suffix == ".png"]
    assert 0 < len(done) < 40
    assert all(pixels(out / name).shape == (256, 256, 3) for name in done)


def test_a_bad_file_ends_no_fidelity(model: Path, tmp_path: Path) -> None:
    images = write_images(tmp_path / "images", count=2)
    (images / "bad.png").write_bytes(b"none")
    words = [images, "--model", model, "--out", tmp_path / "out", "--fidelity", "0,1", "--json"]
    output = call_tool("restore.py", *words)
    assert "2 failed, the others are done" in output
    assert "bad.png at fidelity 1: " in output
    made = sorted(path.name for path in (tmp_path / "out").glob("*.png"))
    assert made == ["0_fidelity0.png", "0_fidelity1.png", "1_fidelity0.png", "1_fidelity1.png"]


def test_numbers_of_where_samples_differ_are_a_result_too(model: Path, tmp_path: Path) -> None:
    images = write_images(tmp_path / "images", count=1)
    mine = tmp_path / "big_spread_levels.png"
    Image.new("RGB", (5, 5)).save(mine)
    before = mine.read_bytes()
    with pytest.raises(ValueError, match=r"big_spread_levels\.png is there already"):
        restore([images], model, tmp_path / "big.png", samples=2)
    assert mine.read_bytes() == before
    done = restore([images], model, tmp_path / "out", samples=2)
    assert done == [tmp_path / "out" / f"0_{name}.png" for name in ("0", "1", "spread", "spread_levels")]


def test_a_photograph_beside_results_is_none_by_its_name(model: Path, tmp_path: Path, capsys) -> None:
    album = write_images(tmp_path / "album", count=1)
    restore([album / "0.png"], model, album / "out")
    restore([album / "0.png"], model, album / "out", samples=2, suffix="_two")
    shutil.copy(album / "0.png", album / "out" / "0_1234.png")  # a photograph of the camera's count
    shutil.copy(album / "0.png", album / "out" / "0_two_7.png")
    done = restore([album], model, tmp_path / "all")
    assert [str(path.relative_to(tmp_path / "all")) for path in done] == ["0.png", "out/0_1234.png", "out/0_two_7.png"]
    assert "5 in " in capsys.readouterr().err  # one, two samples, and two maps


def test_before_a_color(model: Path, tmp_path: Path) -> None:
    picture = np.zeros((8, 10, 4), np.uint8)
    picture[:, :5, :3], picture[:, :5, 3] = (200, 30, 40), 255
    picture[:, 5:, 3] = 51
    Image.fromarray(picture).save(tmp_path / "clear.png")
    words = [tmp_path / "clear.png", "--model", model, "--format", "jpg", "--out", tmp_path / "out"]
    assert "flatten it (--background white)" in call_tool("restore.py", *words)
    assert "a color is white, #204060, or another that CSS knows; got 'whit'" in call_tool(
        "restore.py", *words, "--background", "whit"
    )
    run_tool("restore.py", *words, "--background", "white")
    flat = np.concatenate([picture[:, :5, :3], np.full((8, 5, 3), 204, np.uint8)], axis=1)
    Image.fromarray(flat).save(tmp_path / "flat.png")
    restore([tmp_path / "flat.png"], model, tmp_path / "expected", format="jpg")
    assert np.array_equal(pixels(tmp_path / "out" / "clear.jpg"), pixels(tmp_path / "expected" / "flat.jpg"))
    assert "background white, now #000" in call_tool("restore.py", *words, "--background", "#000")
