"""TAEF2 with its real weights on real images, and what it says of files that are not its own."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from cfmrestore.encoders import TAEF2, card
from cfmrestore.encoders.taef2 import build_encoder
from tests.encoders.weights import save_taef2

DATA = Path(__file__).parents[2].parent / "shared" / "data"


def read(file: Path) -> Tensor:
    image = pytest.importorskip("cv2").imread(str(file))[..., ::-1]
    return torch.from_numpy(image.copy()).permute(2, 0, 1)[None] / 255


@pytest.mark.slow
@pytest.mark.weights
@pytest.mark.skipif(not DATA.is_dir(), reason=f"{DATA} is absent")
def test_reconstruction() -> None:
    files = [file for name in ("set5", "set14") for file in sorted((DATA / "test" / name / "x4" / "hr").iterdir())]
    assert len(files) == 19
    encoder = TAEF2(path=str(DATA / "weights" / "taef2")).to(memory_format=torch.channels_last)  # faster on a CPU
    described = card(encoder, [read(file) for file in files])
    print(f"\n{described}")
    assert described.psnr == pytest.approx(29.4, abs=0.1)
    assert described.latent_mean == pytest.approx(0, abs=0.03)
    assert described.latent_std == pytest.approx(0.85, abs=0.03)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return save_taef2(tmp_path)


def test_half_precision_becomes_float32(folder: Path) -> None:
    assert {parameter.dtype for parameter in TAEF2(path=str(folder)).parameters()} == {torch.float32}


def test_missing_file(folder: Path) -> None:
    (folder / "taef2_decoder.pth").unlink()
    with pytest.raises(ValueError, match=r"taef2_decoder\.pth, which does not exist"):
        TAEF2(path=str(folder))


@pytest.mark.parametrize("damage", ["cut", "text", "empty", "other weights", "no weights", "code"])
def test_damaged_file(folder: Path, damage: str) -> None:
    file = folder / "taef2_decoder.pth"
    if damage == "cut":
        file.write_bytes(file.read_bytes()[:100_000])
    elif damage == "text":
        file.write_text("version https://git-lfs.github.com/spec/v1")
    elif damage == "empty":
        file.write_bytes(b"")
    else:
        torch.save({"other weights": build_encoder().state_dict(), "no weights": [1], "code": folder}[damage], file)
    with pytest.raises(ValueError, match=r"taef2_decoder\.pth does not hold the weights of TAEF2 \(\w+Error:"):
        TAEF2(path=str(folder))
