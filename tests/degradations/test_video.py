"""Videos are coded in memory, of any size, and worse where the rate factor is larger."""

import subprocess
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
from tests.testing import ROOT

CODECS = ["libx264", "libx265", "mpeg4"]
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
def test_sizes_stay_and_colours_too(codec: str, size: tuple[int, int]) -> None:
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
    assert video._moved(x, [1, 0])[:, 0, 0].tolist() == [4, 8, 8]
    assert video._moved(x, [0, -2])[0, :, 0].tolist() == [0, 0, 0, 1]


@need_av
@pytest.mark.parametrize("codec", CODECS)
def test_conversions_between_colour_spaces_do_not_darken(codec: str) -> None:
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
    params = VideoParams(torch.tensor([30, 30, 25]), torch.tensor([2, 0, 1]), torch.zeros(3, 2).long())
    mixed = VideoCodec(codecs=CODECS).apply(x, params)
    for one, (codec, crf) in zip(mixed, (("mpeg4", 30), ("libx264", 30), ("libx265", 25)), strict=True):
        assert torch.equal(one, code(x[:1], codec, crf)[0])


@need_av
def test_small_videos_do_not_break_the_heap() -> None:
    script = (
        "import numpy as np; from cfmrestore.degradations.codec import video; rng = np.random.default_rng(0)\n"
        "for k in range(120):\n"
        "    clip = [rng.integers(0, 256, (16 + 2 * (k % 24), 16 + k // 3 * 2, 3), dtype=np.uint8) for _ in range(2)]\n"
        "    video._last_frame(clip, 'libx265', 30)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr[-500:]


def test_all_rate_factors_and_codecs_are_drawn() -> None:
    params = VideoCodec(crf=(20, 23), motion=1).sample(Frame((8, 8), (8, 8)), ImageRng(range(200)))
    assert set(params.crf.tolist()) == {20, 21, 22, 23}
    assert set(params.codec.tolist()) == {0, 1, 2}
    assert {*map(tuple, params.motion.tolist())} == {(y, x) for y in (-1, 0, 1) for x in (-1, 0, 1)}


def test_mpeg4_gets_the_quantiser_of_equal_steps() -> None:
    assert [video._options("mpeg4", crf)["qmax"] for crf in (0, 24, 30, 51)] == ["1", "5", "10", "31"]


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
    with pytest.raises(ValueError, match="this build of the package av has no 'libx265'"):
        video._context(av, "libx265", "w")


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
