"""Metrics against their definitions, reference implementations and published numbers."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from cfmrestore.datasets import read_image
from cfmrestore.evaluation.functional import prepare, psnr, ssim
from cfmrestore.ops.pad import crop_to
from cfmrestore.ops.resize import resize

BENCHMARKS = Path(__file__).parents[2].parent / "shared" / "data" / "test"
# Y channel, border of `scale` pixels cut. Set5: published; Set14: right for this copy of it.
PUBLISHED = {
    ("set5", 2): (33.66, 0.9299),
    ("set5", 4): (28.42, 0.8104),
    ("set14", 2): (30.32, 0.869),
    ("set14", 4): (26.09, 0.704),
}


def load(path: Path) -> torch.Tensor:
    return torch.from_numpy(read_image(path).copy()).permute(2, 0, 1)[None] / 255


@pytest.mark.weights
@pytest.mark.skipif(not BENCHMARKS.is_dir(), reason="the benchmarks of ../shared/data are not there")
@pytest.mark.parametrize("regenerated", [False, True])
@pytest.mark.parametrize(("name", "scale"), sorted(PUBLISHED))
def test_bicubic_has_its_published_numbers(name: str, scale: int, regenerated: bool) -> None:
    """With the inputs as they are distributed, and with our own of the same targets."""
    folder, rows = BENCHMARKS / name / f"x{scale}", []
    for path in sorted((folder / "hr").iterdir()):
        high, low = load(path), load(folder / "lr" / path.name)
        if regenerated:
            low = (resize(high, scale=1 / scale).clamp(0, 1) * 255).round() / 255
        enlarged = crop_to(resize(low, scale=scale), (high.shape[-2], high.shape[-1]))
        a, b = (prepare(x, channel="y", border=scale) for x in (enlarged, high))
        rows.append((float(psnr(a, b)), float(ssim(a, b))))
    expected = PUBLISHED[name, scale]
    assert abs(np.mean([row[0] for row in rows]) - expected[0]) < 0.03
    assert abs(np.mean([row[1] for row in rows]) - expected[1]) < 0.001


def test_psnr_of_a_known_error() -> None:
    a = torch.zeros(2, 1, 8, 8)
    assert torch.allclose(psnr(a, a + 2), torch.full((2,), 20 * math.log10(255 / 2), dtype=torch.float64))
    assert psnr(a, a).isinf().all()


def test_equal_to_basicsr() -> None:
    from cfmrestore._compat import patch_torchvision

    patch_torchvision()
    from basicsr.metrics.psnr_ssim import calculate_psnr, calculate_ssim

    x, y = torch.rand(2, 1, 3, 40, 50, generator=torch.Generator().manual_seed(0))
    y = 0.8 * x + 0.2 * y
    a, b = (prepare(image, channel="rgb", border=3) for image in (x, y))
    pixels = [(image[0] * 255).round().permute(1, 2, 0).numpy().astype(np.uint8) for image in (x, y)]
    assert math.isclose(float(psnr(a, b)), calculate_psnr(*pixels, crop_border=3), abs_tol=1e-9)
    assert math.isclose(float(ssim(a, b)), calculate_ssim(*pixels, crop_border=3), abs_tol=1e-6)


def test_ssim_of_equal_and_of_inverted_images() -> None:
    x = torch.rand(1, 3, 32, 32) * 255
    assert math.isclose(float(ssim(x, x)), 1.0)
    assert float(ssim(x, 255 - x)) < 0
    with pytest.raises(ValueError, match="11x11"):
        ssim(x[..., :8], x[..., :8])


def test_prepare() -> None:
    x = torch.rand(1, 3, 20, 20)
    assert prepare(x, channel="y", border=4).shape == (1, 1, 12, 12)
    assert torch.equal(prepare(x, channel="rgb"), (x.double() * 255).round())
    for keys, message in (({"channel": "v"}, "'y' or 'rgb'"), ({"border": 10}, "leaves nothing")):
        with pytest.raises(ValueError, match=message):
            prepare(x, **keys)
