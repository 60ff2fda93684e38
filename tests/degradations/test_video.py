"""Videos are coded in memory, of any size, and worse where the rate factor is larger."""

import sys
from importlib.util import find_spec
from itertools import pairwise
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import torch
from torch import Tensor

from cfmrestore.degradations.codec import video
from cfmrestore.degradations.codec.video import VideoCodec, VideoParams
from cfmrestore.ops.rng import ImageRng
from cfmrestore.typing import Frame

CODECS = ["libx264", "mpeg4", "mpeg2video"]
need_av = pytest.mark.skipif(not find_spec("av"), reason="the package av is absent")


def image(height: int = 64, width: int = 80) -> Tensor:
    y, x = torch.meshgrid(torch.linspace(0, 9, height), torch.linspace(0, 11, width), indexing="ij")
    texture = 0.1 * torch.randn(height, width, generator=torch.Generator().manual_seed(0))
    waves = torch.stack([(x + 0.2 * k).sin() * (y - 0.2 * k).cos() for k in range(3)])
    return (0.4 * waves + 0.5 + texture).clamp(0, 1)[None]


def code(x: Tensor, codec: str, crf: int, frames: int = 1, motion: tuple[int, int] = (0, 0)) -> Tensor:
    whole = torch.ones(len(x), 2, dtype=torch.int64)
    params = VideoParams(crf * whole[:, 0], 0 * whole[:, 0], torch.tensor(motion) * whole)
    return VideoCodec(codecs=[codec], frames=frames).apply(x, params)


def error(x: Tensor, y: Tensor) -> float:
    return float((x - y).square().mean())


@need_av
@pytest.mark.parametrize("codec", CODECS)
def test_a_larger_rate_factor_is_worse(codec: str) -> None:
    x = image()
    errors = [error(x, code(x, codec, crf)) for crf in (10, 20, 30, 40)]
    assert all(better < 0.8 * worse for better, worse in pairwise(errors)), errors


@need_av
@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("size", [(1, 1), (15, 2), (17, 33), (40, 24)])
def test_sizes_stay_and_colors_too(codec: str, size: tuple[int, int]) -> None:
    x = torch.tensor([[0.8, 0.4, 0.2], [0.1, 0.3, 0.9]])[:, :, None, None].expand(-1, -1, *size)
    y = code(x, codec, 18)
    assert y.shape == x.shape
    assert (x - y).abs().max() < 5 / 255


@need_av
def test_odd_sizes_are_cropped_from_the_padding() -> None:
    x = image(51, 37)
    assert error(x, code(x, "libx264", 10)) < 0.2 * error(x, x.roll((1, 1), (2, 3)))


@need_av
@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("size", [(64, 80), (33, 47), (1, 1)])
def test_the_last_frame_of_a_pan_is_the_image(codec: str, size: tuple[int, int]) -> None:
    x = image(*size)
    y = code(x, codec, 8, frames=4, motion=(2, -3))
    assert error(x, y) < 4e-4
    assert size == (1, 1) or not torch.equal(y, code(x, codec, 8))


def test_the_picture_moves_down_and_right() -> None:
    x = np.arange(12).reshape(3, 4, 1)
    assert video._moved(x, (1, 0))[:, 0, 0].tolist() == [4, 8, 8]
    assert video._moved(x, (0, -2))[0, :, 0].tolist() == [0, 0, 0, 1]


@need_av
@pytest.mark.parametrize("codec", CODECS)
def test_conversions_between_color_spaces_do_not_darken(codec: str) -> None:
    levels = torch.arange(10, 250, 10) / 255
    x = levels[:, None, None, None].expand(-1, 3, 16, 16)
    assert (code(x, codec, 1) - x).mean().abs() < 0.2 / 255


@need_av
@pytest.mark.parametrize("codec", CODECS)
def test_images_are_coded_alike_side_by_side(codec: str) -> None:
    x, threads = torch.cat([image(), image().flip(-1)] * 3), torch.get_num_threads()
    torch.set_num_threads(2)
    together = code(x, codec, 30)
    torch.set_num_threads(threads)
    assert torch.equal(together[:1], code(x[:1], codec, 30))
    assert torch.equal(together[0::2], together[:1].expand(3, -1, -1, -1))


@need_av
def test_each_image_gets_its_own_codec() -> None:
    x = image().expand(3, -1, -1, -1)
    params = VideoParams(torch.tensor([30, 30, 25]), torch.tensor([1, 0, 2]), torch.zeros(3, 2).long())
    mixed = VideoCodec(codecs=CODECS).apply(x, params)
    for one, (codec, crf) in zip(mixed, (("mpeg4", 30), ("libx264", 30), ("mpeg2video", 25)), strict=True):
        assert torch.equal(one, code(x[:1], codec, crf)[0])


@need_av
@pytest.mark.slow
@pytest.mark.parametrize("codec", CODECS)
def test_bytes_are_those_of_every_run(codec: str) -> None:
    """A codec that reads memory which it never wrote differs where that memory was used before."""
    rng, first = np.random.default_rng(0), {}
    for turn in range(240):
        case = np.random.default_rng(turn % 40)
        pixels = case.integers(0, 256, (*(2 * case.integers(8, 54, 2)), 3), dtype=np.uint8)
        clip = [video._moved(pixels, (2 * n, -n)) for n in (3, 2, 1, 0)]
        used = [np.full(int(n), n % 256, np.uint8) for n in rng.integers(1, 200_000, 6)]
        del used
        coded = video._last_frame(clip, codec, 18 + turn % 40)
        assert np.array_equal(coded, first.setdefault(turn % 40, coded))


def test_all_rate_factors_and_codecs_are_drawn() -> None:
    params = VideoCodec(crf=(20, 23), motion=1).sample(Frame((8, 8), (8, 8)), ImageRng(range(200)))
    assert set(params.crf.tolist()) == {20, 21, 22, 23}
    assert set(params.codec.tolist()) == {0, 1, 2}
    assert {*map(tuple, params.motion.tolist())} == {(y, x) for y in (-1, 0, 1) for x in (-1, 0, 1)}


def test_older_codecs_get_the_quantizer_of_equal_steps() -> None:
    for codec in ("mpeg4", "mpeg2video"):
        assert [video._options(codec, crf)["qmax"] for crf in (0, 24, 30, 51)] == ["1", "5", "10", "31"]


def test_without_the_package_the_mend_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(ValueError, match=r'VideoCodec needs the package av: pip install "cfmrestore\[video\]"'):
        code(image(), "libx264", 30)


def test_a_build_without_a_codec_is_named() -> None:
    class UnknownCodecError(ValueError):
        pass

    def create(name: str, mode: str) -> None:
        raise UnknownCodecError(name, mode)

    av = ModuleType("av")
    vars(av)["CodecContext"] = SimpleNamespace(create=create)
    vars(av)["codec"] = SimpleNamespace(codec=SimpleNamespace(UnknownCodecError=UnknownCodecError))
    with pytest.raises(ValueError, match="this build of the package av has no 'mpeg4'"):
        video._context(av, "mpeg4", "w")


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"codecs": ["libx24"]}, "no codec 'libx24'; did you mean 'libx264'"),
        ({"codecs": []}, "needs a codec"),
        ({"frames": 0}, "frames >= 1"),
        ({"crf": (18, 52)}, "crf must be two rising numbers from 0 to 51"),
    ],
)
def test_bad_keys(keys: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        VideoCodec(**keys)
