"""Pictures into a folder: named, resumed, refused."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cfmrestore.apis.sample import recipe_of, sample
from cfmrestore.cli.sample import guidance_of, size_of
from cfmrestore.imageio import list_images
from cfmrestore.restore import Sampler
from tests.restore.flows import save_model
from tests.testing import call_tool, run_tool

LABELS = [{"type": "ClassLabel", "classes": 4, "channels": 8, "dropout": 0.1}]
NOISE = {"type": "Independent"}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("model") / "model.pth"
    return save_model(file, coupling=NOISE, conditions=LABELS, scale=1, image_size=8)


def pixels(file: Path) -> np.ndarray:
    return np.asarray(Image.open(file)).astype(int)


def test_pictures_by_class_a_sheet_and_going_on(model: Path, tmp_path: Path, capsys) -> None:
    files = sample(model, tmp_path, count=6, classes=[2, 0], device="cpu", batch=4)
    assert [file.name for file in files] == ["00000_2.png", "00001_0.png", "00002_2.png", "00003_0.png", "00004_2.png",
                                             "00005_0.png"]  # fmt: skip
    assert "2 evaluations and" in capsys.readouterr().out
    assert pixels(Path(f"{tmp_path}.png")).shape == (2 * 8 + 1, 3 * 8 + 2, 3)
    before = {file: file.read_bytes() for file in files}
    files[3].unlink()
    assert sample(model, tmp_path, count=6, classes=[2, 0], device="cpu", batch=1) == [files[3]]
    assert np.abs(pixels(files[3]) - np.asarray(Image.open(tmp_path / "00003_0.png")).astype(int)).max() == 0
    assert all(file.read_bytes() == data for file, data in before.items() if file != files[3])
    with pytest.raises(ValueError, match=r"00000_2.png was made otherwise \(.*, now "):
        sample(model, tmp_path, count=6, classes=[2, 0], sampling={"guidance": 2.0}, device="cpu")
    assert len(sample(model, tmp_path, count=6, classes=[2, 0], sampling={"guidance": 2.0}, overwrite=True)) == 6


def test_parts_are_the_whole(model: Path, tmp_path: Path) -> None:
    whole = sample(model, tmp_path / "whole", count=5, classes=[1], device="cpu")
    for index in range(2):
        sample(model, tmp_path / "parts", count=5, classes=[1], device="cpu", part=(index, 2))
    for file in whole:
        assert np.abs(pixels(file) - pixels(tmp_path / "parts" / file.name)).max() <= 1
    assert (tmp_path / "parts.png").is_file()
    assert len(list_images(tmp_path / "parts")) == 5


def test_of_label_maps(tmp_path: Path) -> None:
    maps = [{"type": "SemanticMap", "classes": 3}]
    model = save_model(tmp_path / "model.pth", coupling=NOISE, conditions=maps, scale=1)
    folder = tmp_path / "maps"
    folder.mkdir()
    for name, side in (("a", 8), ("b", 12)):
        labels = (np.arange(side * side).reshape(side, side) % 3).astype(np.uint8)
        Image.fromarray(labels).save(folder / f"{name}.png")
    files = sample(model, tmp_path / "out", maps=tmp_path / "maps", device="cpu")
    assert [pixels(file).shape for file in files] == [(8, 8, 3), (12, 12, 3)]


def test_inpainting_keeps_what_is_known(tmp_path: Path) -> None:
    keys = {"coupling": {"type": "LowresLatent", "noise": 64}, "conditions": [{"type": "Inpaint", "fill": "smooth"}]}
    model = save_model(tmp_path / "model.pth", scale=1, **keys)
    rng = np.random.default_rng(0)
    picture, mask = rng.integers(0, 256, (13, 18, 3)).astype(np.uint8), np.zeros((13, 18), np.uint8)
    mask[4:9, 5:11] = 255
    Image.fromarray(picture).save(tmp_path / "photo.png")
    Image.fromarray(mask).save(tmp_path / "mask.png")
    (file,) = sample(model, tmp_path / "out", images=tmp_path / "photo.png", masks=tmp_path / "mask.png", device="cpu")
    assert np.array_equal(pixels(file)[mask == 0], picture[mask == 0])
    assert not np.array_equal(pixels(file), picture)
    run_tool("inpaint.py", tmp_path / "photo.png", tmp_path / "mask.png", "--model", model, "--samples", 2)
    first, second = (pixels(tmp_path / f"photo_inpainted_{index}.png") for index in range(2))
    assert np.array_equal(first[mask == 0], picture[mask == 0])
    assert np.array_equal(first, pixels(file))  # one seed, one result
    assert not np.array_equal(first, second)
    words = (tmp_path / "photo.png", tmp_path / "mask.png", "--model", model, "--out", tmp_path / "photo.png")
    assert "is there already: --overwrite replaces it" in call_tool("inpaint.py", *words)
    assert "would be replaced by its inpainting" in call_tool("inpaint.py", *words, "--overwrite")
    Image.fromarray(mask[:5]).save(tmp_path / "small.png")
    wrong = call_tool("inpaint.py", tmp_path / "photo.png", tmp_path / "small.png", "--model", model)
    assert "a mask has the size of its image; got 18x5 pixels for 18x13" in wrong
    Image.fromarray(255 - mask).convert("RGBA").save(tmp_path / "inverted.png")
    run_tool("inpaint.py", tmp_path / "photo.png", tmp_path / "inverted.png", "--model", model, "--invert", "--out",
             tmp_path / "again.png")  # fmt: skip
    assert np.array_equal(pixels(tmp_path / "again.png"), first)


def test_records_hold_what_a_picture_is_made_of(model: Path, tmp_path: Path) -> None:
    (file,) = sample(model, tmp_path, classes=[3], seed=11, device="cpu")
    record = json.loads((tmp_path / ".restored" / f"{file.name}.json").read_text())
    assert record["seed"] == 11
    assert record["label"] == 3
    assert record["sampling"]["num_intervals"] == 2


def test_errors(model: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="this model needs --classes"):
        sample(model, tmp_path, count=2)
    with pytest.raises(ValueError, match="this model takes no --maps"):
        sample(model, tmp_path, classes=[1], maps=tmp_path)
    with pytest.raises(ValueError, match=r"labels are integers from 0 to 3; got \[9\]"):
        sample(model, tmp_path, classes=[9], device="cpu")
    with pytest.raises(ValueError, match="count and batch are 1 or more"):
        sample(model, tmp_path, count=0)
    assert guidance_of(["2"]) == 2
    assert guidance_of(["A=2", "B=0.5"]) == {"A": 2, "B": 0.5}
    with pytest.raises(ValueError, match="--guidance is one scale, or CONDITION=SCALE"):
        guidance_of(["much"])
    assert size_of("8x12") == (8, 12)
    with pytest.raises(ValueError, match="--size is SIDE or HEIGHTxWIDTH"):
        size_of("large")


def test_masks_have_the_paths_of_their_images(tmp_path: Path) -> None:
    keys = {"coupling": {"type": "LowresLatent", "noise": 64}, "conditions": [{"type": "Inpaint", "fill": "smooth"}]}
    model = save_model(tmp_path / "model.pth", scale=1, **keys)
    for name, column in (("a", 2), ("b", 6)):
        for kind in ("images", "masks"):
            (tmp_path / kind / name).mkdir(parents=True)
        Image.new("RGB", (8, 8), (90, 120, 150)).save(tmp_path / "images" / name / "1.png")
        mask = np.zeros((8, 8), np.uint8)
        mask[:, column] = 255
        Image.fromarray(mask).save(tmp_path / "masks" / name / "1.png")
    for column, file in zip((2, 6), sample(model, tmp_path / "out", images=tmp_path / "images",
                                           masks=tmp_path / "masks", device="cpu"), strict=True):  # fmt: skip
        known = np.arange(8) != column
        assert (pixels(file)[:, known] == (90, 120, 150)).all()
    (tmp_path / "masks" / "b" / "1.png").rename(tmp_path / "masks" / "b" / "2.png")
    with pytest.raises(ValueError, match=r"there is no mask in .* for b/1: masks have their names"):
        sample(model, tmp_path / "again", images=tmp_path / "images", masks=tmp_path / "masks", device="cpu")


def test_a_recipe_is_alike_in_every_process(model: Path) -> None:
    """What has no repr of its own would be told by its address."""
    sampler = Sampler.from_pretrained(model, device="cpu")
    sampling = sampler.settings(solver="EulerMaruyama")
    assert recipe_of(sampler, sampling, None, "fp32")["sampling"]["solver"]["diffusion"] == "sigma"
    object.__setattr__(sampling.solver, "callback", lambda x: x)
    object.__setattr__(sampling.solver, "held", object())
    told = recipe_of(sampler, sampling, None, "fp32")["sampling"]["solver"]
    assert " at 0x" not in json.dumps(told)
    assert told["held"] == "object"


def test_the_sheet_replaces_nothing_of_the_users(model: Path, tmp_path: Path) -> None:
    mine = tmp_path / "portrait.png"
    Image.new("RGB", (5, 5)).save(mine)
    before = mine.read_bytes()
    with pytest.raises(ValueError, match=r"portrait\.png is there already: --overwrite replaces it"):
        sample(model, tmp_path / "portrait", classes=[1], device="cpu")
    assert mine.read_bytes() == before
    sample(model, tmp_path / "portrait", classes=[1], device="cpu", overwrite=True)
    sample(model, tmp_path / "portrait", classes=[1], count=2, device="cpu")  # of the same folder it is the sheet
    assert mine.read_bytes() != before
    with pytest.raises(ValueError, match="would be replaced by the sheet of"):
        sample(model, tmp_path / "portrait", images=mine, device="cpu", overwrite=True)
