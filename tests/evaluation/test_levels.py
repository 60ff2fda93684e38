"""Pixels in [0, 1] are refused where levels are compared."""

from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import Tensor

from cfmrestore.evaluation.functional.dists import DISTSNetwork
from cfmrestore.evaluation.functional.gmsd import gmsd
from cfmrestore.evaluation.functional.haarpsi import haarpsi
from cfmrestore.evaluation.functional.lpips import LPIPSNetwork
from cfmrestore.evaluation.functional.ms_ssim import ms_ssim
from cfmrestore.evaluation.functional.niqe import niqe
from cfmrestore.evaluation.functional.prepare import prepare
from cfmrestore.evaluation.functional.psnr import psnr
from cfmrestore.evaluation.functional.ssim import ssim

PAIRED = [psnr, ssim, ms_ssim, gmsd, haarpsi]
A, B = torch.rand(2, 1, 1, 192, 192, generator=torch.Generator().manual_seed(0)).double()


@pytest.mark.parametrize("metric", PAIRED, ids=lambda metric: metric.__name__)
def test_of_pairs(metric) -> None:
    with pytest.raises(ValueError, match=r"these pixels lie in \[0, 1\].*give prepare\(image\)"):
        metric(A, B)
    with pytest.raises(ValueError, match="these pixels lie in"):
        metric(255 * A, B)
    torch.testing.assert_close(metric(255 * A, 255 * B), metric(A, B, peak=1.0))
    assert metric((A > 0.5).double(), (B > 0.5).double()).isfinite().all()  # levels 0 and 1 of a black picture
    assert metric(torch.zeros_like(A), 255 * B).isfinite().all()


@pytest.mark.usefixtures("open_sizes")
@pytest.mark.parametrize("metric", [*PAIRED, partial(LPIPSNetwork.forward, None), partial(DISTSNetwork.forward, None)])
def test_a_single_image_is_no_batch(metric) -> None:
    one = (255 * A[0]).round()
    with pytest.raises(ValueError, match=r"in batches, \(b, c, h, w\); got \(1, 192, 192\): give image\[None\]"):
        metric(one, one)


@pytest.mark.usefixtures("open_sizes")
@pytest.mark.parametrize("function", [niqe, prepare])
def test_nor_is_it_to_what_takes_one(function) -> None:
    with pytest.raises(ValueError, match=r"give image\[None\]"):
        function(A[0].float())


def test_of_one() -> None:
    with pytest.raises(ValueError, match="these pixels lie in"):
        niqe(A)
    assert niqe(prepare(A.float().expand(1, 3, -1, -1))).isfinite().all()


@pytest.mark.usefixtures("open_sizes")
@pytest.mark.parametrize("shape", [(1, 1, 192, 192), (1, 3, 190, 194), (2, 3, 192, 192)])
@pytest.mark.parametrize("index", [psnr, ssim])
def test_images_of_two_shapes_are_not_compared(index: Callable[..., Tensor], shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="compared with others of their size and channels; got 1x3x192x192 and"):
        index(torch.full((1, 3, 192, 192), 9.0), torch.full(shape, 9.0))
