"""The command restore, where the degradation is known."""

import io
from contextlib import redirect_stdout
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from cfmrestore.apis.degrade import degrade
from cfmrestore.apis.zero_shot import restore_zero_shot
from cfmrestore.cli.main import main
from cfmrestore.imageio import read_image
from cfmrestore.restore.stages import load_stages
from tests.restore.flows import save_model
from tests.restore.test_zero_shot import PLAIN, boundary_of
from tests.testing import call_tool, write_images


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_model(tmp_path_factory.mktemp("model") / "flow.pth", **PLAIN)


def test_a_folder_of_sidecars_is_undone(model: Path, tmp_path: Path) -> None:
    degrade(write_images(tmp_path / "photos", count=2, side=24), "bicubic", tmp_path / "low", scale=2)
    keys = {"known": tmp_path / "low", "steps": 2, "device": "cpu"}
    done = restore_zero_shot([tmp_path / "low"], model, tmp_path / "out", **keys)
    assert [read_image(file).shape for file in done] == [(24, 24, 3)] * 2
    assert restore_zero_shot([tmp_path / "low"], model, tmp_path / "out", **keys) == []
    with pytest.raises(ValueError, match="was made otherwise"):
        restore_zero_shot([tmp_path / "low"], model, tmp_path / "out", **{**keys, "steps": 3})
    (tmp_path / "low" / "1.json").unlink()
    with pytest.raises(ValueError, match=r"there is no .*1\.json with what is known of"):
        restore_zero_shot([tmp_path / "low"], model, tmp_path / "again", **keys)


def test_along_a_boundary(model: Path, tmp_path: Path) -> None:
    write_images(tmp_path / "low", count=1, side=8)
    boundary_of(load_stages(model)[0].flow, (8, 8)).save(tmp_path / "smile.safetensors")
    shared = [tmp_path / "low", "--model", model, "--degradation", "bicubic_x2", "--steps", 2, "--threads", 1]
    for name, words in (("plain", []), ("smiling", ["--boundary", tmp_path / "smile.safetensors", "--toward", 6])):
        run(*shared, "--out", tmp_path / name, *words)
    assert not np.array_equal(*(read_image(tmp_path / name / "0.png") for name in ("plain", "smiling")))
    with pytest.raises(ValueError, match="was made otherwise"):
        restore_zero_shot(
            [tmp_path / "low"], model, tmp_path / "smiling", degradation="bicubic_x2", steps=2,
            boundary=tmp_path / "smile.safetensors", toward=2.0,
        )  # fmt: skip
    with pytest.raises(ValueError, match="give both or neither"):
        restore_zero_shot([tmp_path / "low"], model, tmp_path / "b", degradation="bicubic_x2", steps=2, toward=2.0)


def run(*words: object) -> str:
    """The command, in this process."""
    threads, output = torch.get_num_threads(), io.StringIO()
    with redirect_stdout(output):
        main([*map(str, words)], command="restore")
    torch.set_num_threads(threads)
    return output.getvalue()


def test_the_command(model: Path, tmp_path: Path) -> None:
    write_images(tmp_path / "low", count=1, side=12)
    shared = [tmp_path / "low", "--model", model, "--steps", 2, "--threads", 1]
    said = run(*shared, "--degradation", "bicubic_x2", "--out", tmp_path / "a", "--method", "pnp-flow")
    assert "1 file written" in said
    assert read_image(tmp_path / "a" / "0.png").shape == (24, 24, 3)
    mask = np.zeros((12, 12, 3), np.uint8)
    mask[3:6, 4:8] = 255
    from PIL import Image

    Image.fromarray(mask).save(tmp_path / "mask.png")
    run(*shared, "--mask", tmp_path / "mask.png", "--out", tmp_path / "b.png")
    known = mask[..., 0] == 0
    before, after = read_image(tmp_path / "low" / "0.png")[known], read_image(tmp_path / "b.png")[known]
    assert abs(after.astype(int) - before).max() <= 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--steps", 4], "--steps is for a degradation that is known: name it"),
        (
            ["--degradation", "bicubic", "--fidelity", 1],
            "--fidelity has no meaning where a known degradation is undone",
        ),
        (["--degradation", "bicubic", "--samples", 2], "--samples has no meaning"),
        (["--degradation", "bicubic", "--model", "auto"], "by a flow that draws pictures from noise: name it"),
    ],
)
def test_flags_of_the_other_way_are_refused(model: Path, tmp_path: Path, words: list, message: str) -> None:
    write_images(tmp_path / "low", count=1, side=12)
    assert message in call_tool("restore.py", tmp_path / "low", "--model", model, "--out", tmp_path / "out", *words)


def test_a_mask_for_each_image_and_a_file_that_is_too_small(model: Path, tmp_path: Path) -> None:
    photos, masks = write_images(tmp_path / "photos", count=2, side=8), tmp_path / "masks"
    masks.mkdir()
    for number in range(2):
        mask = np.zeros((8, 8), np.uint8)
        mask[:, 2 * number] = 255
        Image.fromarray(mask).save(masks / f"{number}.png")
    done = restore_zero_shot([photos], model, tmp_path / "out", mask=masks, steps=2, device="cpu")
    alone = restore_zero_shot([photos / "1.png"], model, tmp_path / "one", mask=masks / "1.png", steps=2, device="cpu")
    assert np.array_equal(read_image(done[1]), read_image(alone[0]))
    assert restore_zero_shot([photos], model, tmp_path / "out", mask=masks, steps=2, device="cpu") == []
    with pytest.raises(ValueError, match="there is no mask, or folder of masks, 'none'"):
        restore_zero_shot([photos], model, tmp_path / "out", mask="none", steps=2, device="cpu")
    Image.new("RGB", (5000, 8)).save(tmp_path / "long.png")
    with pytest.raises(ValueError, match="webp holds at most 16383 pixels a side"):  # before anything is evaluated
        restore_zero_shot(
            [tmp_path / "long.png"], model, tmp_path / "w", degradation="bicubic_x4", steps=10**6, format="webp"
        )
