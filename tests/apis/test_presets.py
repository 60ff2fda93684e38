"""Presets: every file degrades, replays, and trains; values are those of the papers' options."""

import json

import pytest
import torch

from cfmrestore.apis import load_config, presets
from cfmrestore.ops.rng import ImageRng
from tests.testing import TINY

EXPECTED = {
    "bicubic", "blur_noise_jpeg", "bsrgan", "bsrgan_plus", "codeformer", "colorize", "deblur", "dejpeg", "denoise",
    "gfpgan", "inpaint", "real_esrgan", "stablesr", "swinir",
}  # fmt: skip


def test_all_are_there() -> None:
    assert set(presets.names()) == EXPECTED


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_it_degrades_and_replays(name: str) -> None:
    chain, cfg = presets.load(name)
    x = torch.rand(4, 3, 72, 100, generator=torch.Generator().manual_seed(0))
    params = chain.draw(x, ImageRng(range(4)))
    low = chain.apply(x, params)
    assert low.shape == (4, 3, 72 // cfg["scale"], 100 // cfg["scale"])
    assert low.isfinite().all()
    again = chain.params_from_json(json.loads(json.dumps(chain.params_to_json(params))))
    assert torch.equal(chain.apply(x, again), low)
    assert torch.equal(chain(x[2:3], ImageRng([2])), low[2:3])
    assert not torch.equal(chain(x, ImageRng(range(4, 8))), low) or name in {"bicubic", "colorize"}


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_training_config_takes_it(name: str) -> None:
    cfg = load_config(TINY, {"degradation": name})
    assert cfg.model.scale == presets.read(name).scale
    assert cfg.model.data_preprocessor.degradation == presets.resolved(name)["degradation"]


def test_a_scale_reaches_the_chain() -> None:
    steps = presets.resolved("bsrgan", 2)["degradation"]
    assert "${" not in str(steps)
    assert load_config(TINY, {"degradation": "bicubic", "scale": 2}).model.data_preprocessor.degradation[0].scale == 2


def test_real_esrgan_has_the_values_of_its_options() -> None:
    """Shares and ranges over many draws, as train_realesrgan_x4plus.yml has them."""
    chain, _ = presets.load("real_esrgan")
    params = chain.draw(torch.rand(1, 3, 64, 64).expand(600, -1, -1, -1), ImageRng(range(600)))
    counts: dict[str, int] = {}
    sigmas: list[float] = []

    def visit(operator, own) -> None:
        name = type(operator).__name__
        counts[name] = counts.get(name, 0) + 1
        if name == "GaussianNoise":
            sigmas.extend((255 * own.sigma).tolist())
        for part in operator.parts(own):
            visit(*part)

    visit(chain, params)
    per_image = {name: count / 600 for name, count in counts.items()}
    # 0.9 * 0.7 of the first blurs, and 0.8 of that again; two ringing blurs of 0.1, and the last one of 0.8
    assert per_image["GaussianBlur"] == pytest.approx(0.9 * 0.70 * 1.8, abs=0.08)
    assert per_image["GeneralisedBlur"] == pytest.approx(0.9 * 0.15 * 1.8, abs=0.05)
    assert per_image["PlateauBlur"] == pytest.approx(0.9 * 0.15 * 1.8, abs=0.05)
    assert per_image["SincBlur"] == pytest.approx(0.1 * 1.8 + 0.8, abs=0.06)
    assert per_image["GaussianNoise"] == pytest.approx(1.0, abs=0.08)
    assert per_image["JPEG"] == 2
    assert 1 <= min(sigmas) <= max(sigmas) <= 30


def test_what_is_no_preset(tmp_path) -> None:
    with pytest.raises(ValueError, match="no degradation preset 'real_esrgn'; did you mean 'real_esrgan'"):
        presets.read("real_esrgn")
    (tmp_path / "mine.py").write_text("scale = 2\ndegradation = [dict(type='Downscale', scale='${scale}')]\n")
    chain, cfg = presets.load(str(tmp_path / "mine.py"))
    assert cfg["scale"] == 2
    assert chain(torch.rand(1, 3, 8, 8), ImageRng([1])).shape == (1, 3, 4, 4)
    (tmp_path / "none.py").write_text("scale = 2\n")
    with pytest.raises(ValueError, match="is no preset"):
        presets.read(str(tmp_path / "none.py"))
    with pytest.raises(ValueError, match="works at scale 1 alone; got 4"):
        presets.load("denoise", 4)
    with pytest.raises(ValueError, match="scale must be positive"):
        presets.load("bicubic", 0)
