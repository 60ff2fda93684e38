"""NIQE against basicsr's."""

import importlib
import math
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from cfmrestore.evaluation.functional import prepare
from cfmrestore.evaluation.functional.niqe import niqe
from cfmrestore.imageio import list_images, read_image

module = importlib.import_module("cfmrestore.evaluation.functional.niqe")
PHOTOGRAPHS = Path(__file__).parents[2] / "data" / "photographs" / "held_out"


def theirs(levels: Tensor) -> list[float]:
    from cfmrestore._compat import patch_torchvision

    patch_torchvision()
    from basicsr.metrics.niqe import calculate_niqe

    return [calculate_niqe(x[0].numpy(), crop_border=0, input_order="HW") for x in levels]


def made(kind: str) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    i, j = torch.meshgrid(torch.arange(200), torch.arange(310), indexing="ij")
    grain = torch.randn(1, 1, 200, 310, generator=generator, dtype=torch.float64)
    waves = (120 + 60 * torch.sin(i / 9) * torch.cos(j / 23)).double()
    if kind == "noise":
        image = 128 + 40 * grain
    elif kind == "waves":
        image = waves + 3 * grain
    else:  # white, where rounding is all there is, with a little grain at one side
        image = torch.where(j < 150, waves + 5 * grain, 255.0)
        image[..., 100:, 220:] += 2 * grain[..., 100:, 220:]
    return image.clamp(0, 255).round()


@pytest.mark.parametrize("kind", ["noise", "waves", "flat"])
def test_equal_to_basicsr_on_made_images(kind: str) -> None:
    levels = made(kind)
    assert niqe(levels).tolist() == pytest.approx(theirs(levels), rel=1e-6)


@pytest.mark.parametrize("path", list_images(PHOTOGRAPHS), ids=lambda path: path.stem)
def test_equal_to_basicsr_on_photographs(path: Path) -> None:
    image = torch.from_numpy(read_image(path).copy()).permute(2, 0, 1)[None] / 255
    levels = prepare(image, channel="y", border=4)
    assert niqe(levels).tolist() == pytest.approx(theirs(levels), rel=1e-6)


def test_equal_to_basicsr_from_colors() -> None:
    """Where no luma lies half way between two levels, float32 and float64 round to the same ones."""
    from cfmrestore._compat import patch_torchvision

    patch_torchvision()
    from basicsr.metrics.niqe import calculate_niqe

    pixels = read_image(PHOTOGRAPHS / "coffee.png")
    levels = prepare(torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None] / 255, channel="y", border=4)
    assert math.isclose(float(niqe(levels)), calculate_niqe(pixels[..., ::-1], crop_border=4), rel_tol=1e-6)


def test_a_batch_is_its_images() -> None:
    levels = torch.cat([made("noise"), made("waves")])
    assert niqe(levels).tolist() == [float(niqe(x[None])) for x in levels]
    assert niqe(levels).dtype == torch.float64
    assert torch.equal(niqe(levels[..., :192, :288]), niqe(levels))


@pytest.mark.parametrize("name", ["_SHIFTS", "_SIDE"])
def test_a_mutant_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another diagonal, and other blocks."""
    levels = made("waves")
    monkeypatch.setattr(module, name, {"_SHIFTS": ((0, 1), (1, 0), (1, 1), (-1, -1)), "_SIDE": 64}[name])
    assert abs(float(niqe(levels)) / theirs(levels)[0] - 1) > 1e-4


def test_the_nearest_of_the_table() -> None:
    _, table, *_ = module._shapes()
    assert (np.diff(table) > 0).all()
    values = np.concatenate([table[::700], (table[3:4] + table[4:5]) / 2, [-1.0, 0.0, 5.0, np.inf, np.nan]])
    draws = np.random.default_rng(0).uniform(table[0], table[-1], 500)
    for value in (*values, *draws, *draws.astype(np.float32).astype(np.float64)):
        assert module._nearest(np.array([value]))[0] == np.argmin((table - value) ** 2)


def test_errors() -> None:
    with pytest.raises(ValueError, match="a block of 96x96"):
        niqe(made("noise")[..., :95, :])
    with pytest.raises(ValueError, match="two blocks"):
        niqe(made("noise")[..., :150, :150])
    with pytest.raises(ValueError, match="two blocks"):
        niqe(torch.full((1, 1, 192, 192), 7.0))


def test_the_parameters_are_those_of_basicsr() -> None:
    path = Path(find_spec("basicsr").origin).parent / "metrics" / "niqe_pris_params.npz"
    mean, covariance, window = module._pristine()
    with np.load(path) as file:
        assert np.array_equal(mean, file["mu_pris_param"][0])
        assert np.array_equal(covariance, file["cov_pris_param"])
        assert np.allclose(np.outer(window, window), file["gaussian_window"], atol=1e-15, rtol=0)
