"""Codecs: worse at low quality, and differentiable where they say so."""

import pytest
import torch

from cfmrestore.degradations import JPEG, DiffJPEG, WebP
from cfmrestore.ops.rng import ImageRng
from tests.ops.test_jpeg import coded, photograph


@pytest.mark.parametrize("kind", [JPEG, WebP, DiffJPEG])
def test_lower_quality_is_worse(kind: type) -> None:
    x = photograph("coffee")
    errors = [float((kind(quality=(q, q))(x, ImageRng([1])) - x).square().mean()) for q in (95, 60, 20)]
    assert errors == sorted(errors)
    assert errors[2] > 3 * errors[0]


def test_jpeg_is_the_codec() -> None:
    x = photograph("brook")
    for quality in (30, 95):
        y = JPEG(quality=(quality, quality))(x, ImageRng([1]))
        assert torch.equal((255 * y).round(), coded(x, quality))
        exact = DiffJPEG(quality=(quality, quality), soft=False)(x, ImageRng([1]))
        assert torch.equal((255 * exact).round(), coded(x, quality))


def test_an_image_that_a_codec_cannot_hold() -> None:
    with pytest.raises(ValueError, match="WebP cannot hold an image of 2x16400 pixels"):
        WebP()(torch.rand(1, 3, 2, 16_400), ImageRng([1]))
