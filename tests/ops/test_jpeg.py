"""JPEG in tensor operations: the codec's own bytes, and basicsr's differentiable version."""

import pytest
import torch
from torch import Tensor

from cfmrestore._compat import patch_torchvision
from cfmrestore.imageio import read_image
from cfmrestore.ops import jpeg
from tests.testing import ROOT


def photograph(name: str, height: int = 256, width: int = 240) -> Tensor:
    pixels = read_image(ROOT / "data" / "photographs" / "held_out" / f"{name}.png")[:height, :width]
    return torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None].float() / 255


def coded(x: Tensor, quality: int) -> Tensor:
    import cv2

    pixels = (x[0] * 255).round().byte().permute(1, 2, 0).numpy()
    data = cv2.imencode(".jpg", pixels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    decoded = cv2.imdecode(data, cv2.IMREAD_COLOR)
    assert decoded is not None
    return torch.from_numpy(decoded[..., ::-1].copy()).permute(2, 0, 1)[None].float()


@pytest.mark.parametrize("quality", [5, 30, 50, 75, 95, 100])
@pytest.mark.parametrize("size", [(256, 240), (101, 77), (58, 90), (8, 8), (1, 1)])
def test_every_level_is_libjpegs(quality: int, size: tuple[int, int]) -> None:
    x = photograph("brook", *size)
    ours = 255 * jpeg.code(x, torch.tensor([float(quality)]), soft=False)
    difference = (ours - coded(x, quality)).abs()
    assert difference.max() < 0.5, f"{(difference > 0.5).float().mean():.2%} of the levels differ"


def test_soft_equals_basicsr_turned() -> None:
    """Its table of luminance is transposed against ITU-T T.81, so a transposed image shows the same."""
    patch_torchvision()
    from basicsr.utils import DiffJPEG

    x, quality = photograph("astronaut"), torch.tensor([37.5])
    with torch.no_grad():
        theirs = DiffJPEG(differentiable=True)(x.transpose(2, 3), quality=quality.clone()).transpose(2, 3)
        straight = DiffJPEG(differentiable=True)(x, quality=quality.clone())
    ours = jpeg.code(x, quality)
    assert (ours - theirs).abs().max() < 1e-5
    assert (ours - straight).abs().max() > 1e-3


def test_gradients_flow() -> None:
    x = photograph("coffee", 32, 32).requires_grad_()
    jpeg.code(x, torch.tensor([60.0])).square().sum().backward()
    assert x.grad is not None
    assert x.grad.isfinite().all()
    assert (x.grad != 0).float().mean() > 0.5


def test_the_integer_transform_is_the_cosine_transform() -> None:
    _, cosines, integers = jpeg._constants(torch.device("cpu"))
    assert (integers / 2**13 / 8**0.5 - cosines.double()).abs().max() < 1e-4
