"""Boundaries are judged by what a network sees: here one that compares the means of the channels."""

import math
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor

from cfmrestore.analysis.judge_boundary import judge_boundary
from cfmrestore.apis.fit_boundary import fit_boundary
from cfmrestore.features import Extractor
from cfmrestore.registry import FEATURES
from tests.apis.test_edit import KEYS, LABELS, write_sides
from tests.restore.flows import save_model
from tests.testing import run_tool


class Colors(Extractor):
    """Knows red pictures, and those of which the left half is the lighter one."""

    @classmethod
    def load(cls, weights: object = None) -> "Colors":
        return cls()

    def attributes(self, image: Tensor) -> dict[str, Tensor]:
        means = image.mean(dim=(-2, -1))
        half = image.shape[-1] // 2
        left, right = (part.mean(dim=(1, 2, 3)) for part in (image[..., :half], image[..., half:]))
        return {"red": means[:, 0] - means[:, 1] > 30 / 255, "left": left > right}

    def doubtful(self, image: Tensor) -> dict[str, Tensor]:
        half = image.shape[-1] // 2
        left, right = (part.mean(dim=(1, 2, 3)) for part in (image[..., :half], image[..., half:]))
        return {"left": (left - right).abs() < 5 / 255}


@pytest.fixture
def colors() -> Iterator[str]:
    FEATURES.register_module(module=Colors)
    yield "Colors"
    FEATURES.module_dict.pop("Colors")


@pytest.fixture
def fitted(tmp_path: Path) -> tuple[Path, Path]:
    model = save_model(tmp_path / "m.pth", **KEYS, sampling={"num_intervals": 10, "solver": {"type": "Heun"}})
    fit_boundary(model, write_sides(tmp_path / "data"), "red", tmp_path / "red.safetensors", time=0.5, device="cpu")
    return model, tmp_path / "red.safetensors"


def test_two_standard_deviations_bring_all_across_and_leave_the_rest(
    tmp_path: Path, colors: str, fitted: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    model, boundary = fitted
    keys = {"strengths": (0.1, 1.0, 2.0), "count": 20, "sheet": tmp_path / "sheet.png", "device": "cpu"}
    (judged,) = judge_boundary(model, str(tmp_path / "data"), [boundary], colors, **keys)
    assert judged.count == 20
    assert judged.across[0] == 0.0
    assert judged.across == sorted(judged.across)
    assert judged.across[2] == 1.0
    assert judged.stay[0] == 1.0
    assert judged.stay[2] >= 0.8
    assert judged.clear[2] > judged.stay[2]  # the halves of these pictures are all but alike
    assert judged.nfe == 20
    assert judged.error < 1e-2
    assert "| red      | 0.5  | 20       | 0.0%          | 100.0%      | 100.0%" in capsys.readouterr().out
    assert cv2.imread(str(tmp_path / "sheet.png")).shape[1] == 2 * 8 * 8


def test_what_is_kept_stays(tmp_path: Path, colors: str, fitted: tuple[Path, Path]) -> None:
    """Where red pictures have the lighter left half more often, a step toward red makes it lighter."""
    model, data, left = fitted[0], tmp_path / "both", tmp_path / "left.safetensors"
    rng, table = np.random.default_rng(0), ["filename,red,left"]
    data.mkdir()
    for index in range(120):
        red = index % 2
        lighter = int(rng.random() < (0.9 if red else 0.1))
        pixels = rng.integers(90, 130, (8, 8, 3))
        pixels[..., 0] += 60 * red
        pixels[:, :4] += 30 * lighter - 15
        cv2.imwrite(str(data / f"{index:03d}.png"), pixels[..., ::-1].astype(np.uint8))
        table.append(f"{index:03d}.png,{red},{lighter}")
    (data / "table.csv").write_text("\n".join(table) + "\n")
    for name in ("red", "left"):
        out = tmp_path / f"{name}.safetensors"
        fit_boundary(model, [data], name, out, time=0.5, device="cpu", overwrite=True)
    with pytest.raises(ValueError, match="is there already: --overwrite replaces it"):
        fit_boundary(model, [data], "red", tmp_path / "red.safetensors", time=0.5, device="cpu")
    keys = {"strengths": (2.0,), "count": 40, "device": "cpu"}
    red = [tmp_path / "red.safetensors"]
    (free,) = judge_boundary(model, str(data), red, colors, **keys)
    (kept,) = judge_boundary(model, str(data), red, colors, keep=[left, *red], **keys)
    assert kept.across == [1.0]
    assert kept.stay[0] >= 0.9 > free.stay[0] + 0.2


def test_one_digit_against_another_and_the_class_that_is_told(tmp_path: Path) -> None:
    pytest.importorskip("sklearn")
    model, keys = save_model(tmp_path / "m.pth", **{**KEYS, "conditions": LABELS}), {"count": 60, "time": 0.5}
    fit_boundary(model, ["Digits"], "8", tmp_path / "8.safetensors", against="3", device="cpu", **keys)
    fit_boundary(model, ["Digits"], "thick", tmp_path / "t.safetensors", use_classes=True, device="cpu", **keys)
    text = run_tool("judge_boundary.py", model, "Digits:held_out", "--boundary", tmp_path / "8.safetensors",
                    "--judge", "DigitClassifier", "--against", "3", "--strengths", "1", "--count", "8",
                    "--num-intervals", "4", "--device", "cpu")  # fmt: skip
    assert "| 8        | 0.5  | 8        |" in text
    keys = {"against": "1", "strengths": (0.01, 4.0), "count": 20, "num_intervals": 4}
    (judged,) = judge_boundary(model, "Digits:held_out", [tmp_path / "8.safetensors"], "DigitClassifier", **keys)
    assert judged.third[0] == 0.0
    assert 0.2 < judged.third[1] <= 1 - judged.across[1]  # 8s that became 3s
    where = [tmp_path / "t.safetensors"]
    (judged,) = judge_boundary(model, "Digits:held_out", where, "DigitClassifier", count=8, num_intervals=4)
    assert judged.count == 8
    assert all(math.isnan(share) for share in judged.third)
    sides = write_sides(tmp_path / "data")[0].parent
    (sides / "table.csv").write_text("filename,thick\nred/00.png,1\nother/00.png,0\n")
    with pytest.raises(ValueError, match="'thick' was fitted to images whose class was told, and these pictures have"):
        judge_boundary(model, str(sides), where, "DigitClassifier", count=8, num_intervals=4)


def test_what_is_wrong_is_said(tmp_path: Path, colors: str, fitted: tuple[Path, Path]) -> None:
    model, boundary = fitted
    for keys, complaint in [
        ({"judge": "Colours"}, "unknown feature extractor 'Colours'; did you mean 'Colors'"),
        ({"judge": "SeededNet"}, "SeededNet knows no attributes of images"),
        ({"strengths": [0]}, "strengths are positive"),
        ({"against": "blue"}, "Colors knows no blue; it knows red, left"),
        ({"data": str(tmp_path / "data" / "red")}, "no picture lies on one side of red"),
    ]:
        with pytest.raises(ValueError, match=complaint):
            judge_boundary(**{"model": model, "data": str(tmp_path / "data"), "boundary": [boundary],
                              "judge": colors, "device": "cpu", **keys})  # fmt: skip
    assert torch.is_grad_enabled()
