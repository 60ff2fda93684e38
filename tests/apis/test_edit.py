"""The commands that fit boundaries and edit along them, on a small flow of random weights."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from cfmrestore.apis.edit import edit, report
from cfmrestore.apis.fit_boundary import fit_boundary
from cfmrestore.editing import Boundary, FlowEdit, RFInversion
from cfmrestore.engine.panels import to_pixels
from cfmrestore.imageio import read_image
from cfmrestore.restore.editor import Editor
from tests.restore.flows import save_model
from tests.testing import run_tool

KEYS = {"coupling": {"type": "Independent"}, "conditions": [], "scale": 1, "image_size": 8}
LABELS = [{"type": "ClassLabel", "classes": 10, "channels": 8, "dropout": 0.1}]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    sampling = {"num_intervals": 10, "solver": {"type": "Heun"}}
    return save_model(tmp_path / "m.pth", **KEYS, sampling=sampling)


def write_sides(root: Path, count: int = 20, side: int = 8) -> list[Path]:
    """Two folders: pictures that are red, and others."""
    rng = np.random.default_rng(0)
    for name, red in (("red", 60), ("other", 0)):
        (root / name).mkdir(parents=True)
        for index in range(count):
            pixels = rng.integers(60, 120, (side, side, 3))
            pixels[..., 0] += red
            cv2.imwrite(str(root / name / f"{index:02d}.png"), pixels[..., ::-1].astype(np.uint8))
    return [root / "red", root / "other"]


def test_two_folders_make_a_boundary_and_a_strip(tmp_path: Path, model: Path) -> None:
    sides, out = write_sides(tmp_path / "data"), tmp_path / "red.safetensors"
    text = run_tool("fit_boundary.py", model, *sides, "--attribute", "red", "--out", out,
                    "--plot", tmp_path / "red.png", "--device", "cpu")  # fmt: skip
    assert "40 images, encoded with 20 evaluations each" in text
    assert text.count("chosen") == 1
    assert cv2.imread(str(tmp_path / "red.png")) is not None
    found = Boundary.load(out)
    assert found.attribute == "red"
    assert found.accuracy == 1.0
    assert found.normal.shape == (12, 4, 4)
    photo = sides[1] / "00.png"
    text = run_tool("edit.py", photo, "--model", model, "--boundary", out, "--out", tmp_path / "edited",
                    "--strength", "-1", "0", "2", "--device", "cpu")  # fmt: skip
    assert "evaluations a picture" in text
    assert "3 pictures and 00_strip.png" in text
    files = sorted(path.name for path in (tmp_path / "edited").iterdir())
    assert files == ["00_+0.png", "00_+2.png", "00_-1.png", "00_strip.png"]
    reds = [read_image(tmp_path / "edited" / f"00_{k}.png").astype(float)[..., 0].mean() for k in ("-1", "+0", "+2")]
    assert reds == sorted(reds)
    assert reds[-1] > reds[0] + 20
    assert np.abs(read_image(tmp_path / "edited" / "00_+0.png").astype(int) - read_image(photo)).max() <= 3


def test_a_time_a_space_and_a_direction_are_taken(tmp_path: Path, model: Path) -> None:
    sides = write_sides(tmp_path / "data")
    keys = {"count": 40, "device": "cpu"}
    deep = fit_boundary(model, sides, "red", tmp_path / "h.safetensors", time=0.5, space="bottleneck", **keys).boundary
    assert (deep.time, deep.space, deep.normal.shape) == (0.5, "bottleneck", (16, 2, 2))
    normal = fit_boundary(
        model, sides, "red", tmp_path / "n.safetensors", time=0.5, direction="normal", **keys
    ).boundary
    assert torch.equal(normal.normal, normal.direction)
    editor = Editor.from_pretrained(model, device="cpu", num_intervals=4)
    picture = read_image(sides[0] / "01.png")
    edits = editor(picture, [deep, normal], strengths=[0, 1]).edits
    assert set(edits[1].distances) == {"red (bottleneck at 0.5)", "red (latent at 0.5)"}


def test_digits_against_each_other_and_under_their_class(tmp_path: Path) -> None:
    pytest.importorskip("sklearn")
    model = save_model(tmp_path / "m.pth", **{**KEYS, "conditions": LABELS})
    keys = {"count": 60, "time": 0.5, "device": "cpu"}
    digits = fit_boundary(model, ["Digits"], "8", tmp_path / "8.safetensors", against="3", **keys).boundary
    assert digits.guidance == 0.0
    thick = fit_boundary(model, ["Digits"], "thick", tmp_path / "t.safetensors", use_classes=True, **keys).boundary
    assert thick.guidance == 1.0
    editor = Editor.from_pretrained(model, device="cpu")
    picture = np.zeros((8, 8, 3), np.uint8)
    with pytest.raises(ValueError, match="fitted to images whose class was told: give the picture's, --label"):
        editor(picture, [thick])
    with pytest.raises(ValueError, match="class was not told: leave --label out"):
        editor(picture, [digits], label=3)
    editor(picture, [digits], [1])
    editor(picture, [thick], [1], label=3)


def test_classes_that_were_never_dropped_are_always_told(tmp_path: Path) -> None:
    pytest.importorskip("sklearn")
    always = [{**LABELS[0], "dropout": 0.0}]
    model, out = save_model(tmp_path / "m.pth", **{**KEYS, "conditions": always}), tmp_path / "t.safetensors"
    keys = {"count": 60, "time": 0.5, "device": "cpu"}
    with pytest.raises(ValueError, match="trained with the class of every image: tell it, --use-classes"):
        fit_boundary(model, ["Digits"], "thick", out, **keys)
    thick = fit_boundary(model, ["Digits"], "thick", out, use_classes=True, **keys).boundary
    assert thick.guidance == 1.0
    photo = write_sides(tmp_path / "data", count=1)[0] / "00.png"
    with pytest.raises(ValueError, match="fitted to images whose class was told: give the picture's, --label"):
        edit(photo, model, [out], tmp_path / "e", device="cpu")
    text = run_tool("edit.py", photo, "--model", model, "--boundary", out, "--label", "3", "--strength", "1",
                    "--out", tmp_path / "e", "--device", "cpu")  # fmt: skip
    assert "thick" in text


def test_each_boundary_has_a_strength_of_its_own(tmp_path: Path, model: Path) -> None:
    sides = write_sides(tmp_path / "data")
    both = [tmp_path / f"{space}.safetensors" for space in ("latent", "bottleneck")]
    for out in both:
        fit_boundary(model, sides, "red", out, time=0.5, space=out.stem, device="cpu")
    where = [sides[1] / "00.png", "--model", model, "--boundary", *both, "--device", "cpu"]
    text = run_tool("edit.py", *where, "--out", tmp_path / "e", "--strength", "-1,2", "1", "0,-2")
    names = {"00_-1,+2.png", "00_+1.png", "00_+0,-2.png", "00_strip.png"}
    assert {file.name for file in (tmp_path / "e").iterdir()} == names
    editor = Editor.from_pretrained(model, device="cpu")
    picture, boundaries = read_image(sides[1] / "00.png"), [Boundary.load(file) for file in both]
    done = editor(picture, boundaries, [(-1, 2), 1, (0, -2)])
    assert report(done, ["-1,+2", "+1", "+0,-2"]) in text
    for name, one in zip(("-1,+2", "+1", "+0,-2"), done.edits, strict=True):
        assert np.array_equal(read_image(tmp_path / "e" / f"00_{name}.png"), to_pixels(one.image[0]))
    with pytest.raises(ValueError, match="one strength for all boundaries or one each"):
        edit(sides[1] / "00.png", model, both, tmp_path / "x", strength=[(1, 2, 3)], device="cpu")


def test_what_is_wrong_is_said(tmp_path: Path, model: Path) -> None:
    sides, out = write_sides(tmp_path / "data"), tmp_path / "b.safetensors"
    (tmp_path / "data" / "table.csv").write_text("filename,red\nred/00.png,1\nother/00.png,0\n")
    both = [tmp_path / "data"]
    for data, attribute, keys, complaint in [
        (both, "blue", {}, "knows no attribute blue; it knows red"),
        (both, "red", {}, "10 images or more on each side"),
        (["Nothing"], "red", {}, "is no folder, and no dataset that knows attributes"),
        (["Scenes"], "red", {}, "is no folder, and no dataset that knows attributes"),
        (sides, "red", {"use_classes": True}, "this model is told no classes"),
        (sides, "red", {"time": 1.5}, "times lie between 0, the source, and 1"),
        (sides, "red", {"out": tmp_path / "b.pkl"}, "a boundary is a file"),
    ]:
        with pytest.raises(ValueError, match=complaint):
            fit_boundary(model, data, attribute, **{"out": out, "device": "cpu", **keys})
    assert not out.exists()
    fit_boundary(model, sides, "red", out, time=0.5, device="cpu")
    other = save_model(tmp_path / "o.pth", seed=1, **KEYS)
    with pytest.raises(ValueError, match="boundary of 'red' is of another model"):
        edit(sides[0] / "00.png", other, [out], tmp_path / "e", device="cpu")
    with pytest.raises(ValueError, match="every strength and every class once"):
        edit(sides[0] / "00.png", model, [out], tmp_path / "e", strength=[1, 1], device="cpu")
    edit(sides[0] / "00.png", model, [out], tmp_path / "e", strength=[1], device="cpu")
    with pytest.raises(ValueError, match="is there already: --overwrite replaces it"):
        edit(sides[0] / "00.png", model, [out], tmp_path / "e", strength=[1], device="cpu")


def test_to_other_classes_by_flowedit_and_by_rf_inversion(tmp_path: Path, model: Path) -> None:
    told = save_model(tmp_path / "c.pth", **{**KEYS, "conditions": LABELS})
    photo = write_sides(tmp_path / "data", count=1)[0] / "00.png"
    for method, calls in (("flowedit", 24), ("rf-inversion", 56)):
        keys = {"method": method, "label": 3, "target": [3, 8], "device": "cpu"}
        done = edit(photo, told, out=tmp_path / method, **keys)
        assert [file.name for file in done.pictures] == ["00_to_3.png", "00_to_8.png"]
        assert done.nfe == calls
    same = read_image(tmp_path / "flowedit" / "00_to_3.png").astype(int)
    assert np.abs(same - read_image(photo)).max() <= 1
    with pytest.raises(ValueError, match="this model is told no classes: edit along boundaries"):
        edit(photo, model, out=tmp_path / "x", method="flowedit", label=3, target=[8], device="cpu")
    for keys, complaint in [
        ({"method": "flowedit", "target": [8]}, "it needs --label and --target, and no boundaries"),
        ({"method": "sdedit"}, "method is one of boundary, flowedit, rf-inversion"),
        ({}, "needs their files, --boundary"),
        ({"boundary": ["b"], "target": [8]}, "and no --target"),
        ({"boundary": ["b"], "n_max": 3}, "n_max is a setting of flowedit, and the method is boundary"),
        ({"boundary": ["b"], "guidance": 2.0}, "the guidance along boundaries is that under which they were fitted"),
        ({"method": "flowedit", "label": 3, "target": [8], "gamma": 0.1}, "gamma is a setting of rf-inversion"),
        ({"method": "flowedit", "label": 3, "target": [8], "n_min": 30}, "FlowEdit needs 0 <= n_min <= n_max"),
    ]:
        with pytest.raises(ValueError, match=complaint):
            edit(photo, told, out=tmp_path / "x", **keys)


@pytest.mark.parametrize(
    ("method", "flags", "settings"),
    [
        ("flowedit", "--steps 8 --n-max 6 --n-min 2 --n-avg 3 --source-guidance 1.5 --guidance 3",
         FlowEdit(steps=8, n_max=6, n_min=2, n_avg=3, source_guidance=1.5, target_guidance=3.0)),
        ("rf-inversion", "--steps 8 --gamma 0.2 --eta 0.7 --interval 0.1 0.6 --decay 1 --source-guidance 0",
         RFInversion(steps=8, gamma=0.2, eta=0.7, interval=(0.1, 0.6), decay=1.0, source_guidance=0.0)),
        ("rf-inversion", "--reconstruct", RFInversion(reconstruct=True)),
    ],
)  # fmt: skip
def test_settings_of_the_methods_are_flags(
    tmp_path: Path, method: str, flags: str, settings: FlowEdit | RFInversion
) -> None:
    model = save_model(tmp_path / "c.pth", **{**KEYS, "conditions": LABELS})
    photo = write_sides(tmp_path / "data", count=1)[0] / "00.png"
    text = run_tool("edit.py", photo, "--model", model, "--method", method, "--label", "3", "--target", "8",
                    *flags.split(), "--out", tmp_path / "e", "--device", "cpu")  # fmt: skip
    done = Editor.from_pretrained(model, device="cpu").to_class(read_image(photo), 3, 8, settings)
    assert np.array_equal(read_image(tmp_path / "e" / "00_to_8.png"), to_pixels(done.image[0]))
    assert f"{done.nfe} evaluations a picture" in text
    assert (done.error is None) == ("under its own class it ends" not in text)
