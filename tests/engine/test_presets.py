"""Presets: every file degrades, replays, and trains; values are those of the papers' options."""

import json

import pytest
import torch

from cfmrestore.apis import load_config
from cfmrestore.engine.config import presets
from cfmrestore.ops.rng import ImageRng
from tests.testing import TINY

EXPECTED = {
    "bicubic", "blur_noise_jpeg", "bsrgan", "bsrgan_plus", "camera_or_web", "camera_or_web_x2", "codeformer",
    "colorize", "deblur", "dejpeg", "denoise", "first_or_second_order", "gaussian_blur", "gfpgan", "inpaint",
    "mask_lama_medium", "mask_lama_thick", "mask_lama_thin", "mask_mat", "real_esrgan", "second_order", "stablesr",
    "swinir", "web", "web_or_clean",
}  # fmt: skip


def test_all_are_there() -> None:
    assert set(presets.names()) == EXPECTED


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_it_degrades_and_replays(name: str) -> None:
    preset = presets.load_preset(name)
    chain = preset.degradation
    x = torch.rand(4, 3, 72, 100, generator=torch.Generator().manual_seed(0))
    params = chain.draw(x, ImageRng(range(4)))
    low = chain.apply(x, params)
    assert low.shape == (4, 3, 72 // preset.scale, 100 // preset.scale)
    assert low.isfinite().all()
    again = chain.params_from_json(json.loads(json.dumps(chain.params_to_json(params))))
    assert torch.equal(chain.apply(x, again), low)
    assert torch.equal(chain(x[2:3], ImageRng([2])), low[2:3])
    assert not torch.equal(chain(x, ImageRng(range(4, 8))), low) or name in {"bicubic", "colorize", "gaussian_blur"}


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_training_config_takes_it(name: str) -> None:
    cfg = load_config(TINY, {"degradation": name} | ({"scale": 2} if name.endswith("_x2") else {}))
    assert cfg.model.scale == presets.read(name).scale
    assert cfg.model.data_preprocessor.degradation == presets.resolved(name)["degradation"]
    assert cfg.model.data_preprocessor.target == presets.resolved(name)["target"]
    assert bool(cfg.model.data_preprocessor.target) == (name in {"real_esrgan", "stablesr", "bsrgan_plus"})


def test_a_scale_reaches_the_chain() -> None:
    steps = presets.resolved("real_esrgan", 2)["degradation"]
    assert "${" not in str(steps)
    assert load_config(TINY, {"degradation": "bicubic", "scale": 2}).model.data_preprocessor.degradation[0].scale == 2


def test_real_esrgan_has_the_values_of_its_options() -> None:
    """Value for value with train_realesrgan_x4plus.yml, whose keys stand beside."""
    cfg = presets.resolved("real_esrgan")
    ringing = {"type": "SincBlur", "cutoff": (0.6283, 3.1416), "cutoff_small": (1.0472, 3.1416), "size": (7, 21)}

    def blur(sigma: tuple[float, float]) -> dict:
        families = []
        for kind, keys in (
            ("GaussianBlur", {}),
            ("GeneralizedBlur", {"beta": (0.5, 4.0)}),  # betag_range
            ("PlateauBlur", {"beta": (1.0, 2.0)}),  # betap_range
        ):
            both = {"type": kind, "sigma": sigma, "size": (7, 21), **keys}
            families += [{**both, "isotropic": True}, both]
        mixed = {"type": "OneOf", "weights": (0.45, 0.25, 0.12, 0.03, 0.12, 0.03), "steps": families}  # kernel_prob
        return {"type": "OneOf", "weights": (0.1, 0.9), "steps": [ringing, mixed]}  # sinc_prob

    def noise(sigma: float, scale: float) -> dict:  # gaussian_noise_prob 0.5, gray_noise_prob 0.4
        gaussian = {"type": "GaussianNoise", "sigma": (1, sigma), "gray_probability": 0.4}
        return {
            "type": "OneOf",
            "steps": [gaussian, {"type": "PoissonNoise", "scale": (0.05, scale), "gray_probability": 0.4}],
        }

    def resize(low: float, high: float, probabilities: tuple[float, ...], **keys: float) -> dict:
        return {"type": "RandomResize", "factor": (low, high), "probabilities": probabilities, **keys}

    jpeg = {"type": "JPEG", "quality": (30, 95)}  # jpeg_range, jpeg_range2
    final = {"type": "SincBlur", "cutoff": (1.0472, 3.1416), "size": (7, 21)}  # final_sinc_prob 0.8
    shrink = [{"type": "ResizeTo", "scale": 4}, {"type": "Maybe", "probability": 0.8, "step": final}]
    orders = [{"type": "Compose", "steps": [*shrink, jpeg]}, {"type": "Compose", "steps": [jpeg, *shrink]}]
    assert cfg["target"] == [{"type": "USMSharp"}]  # l1_gt_usm
    assert cfg["degradation"][0]["steps"] == [
        blur((0.2, 3.0)),  # blur_sigma
        resize(0.15, 1.5, (0.2, 0.7, 0.1)),  # resize_range, resize_prob
        noise(30, 3.0),  # noise_range, poisson_scale_range
        jpeg,
        {"type": "Maybe", "probability": 0.8, "step": blur((0.2, 1.5))},  # second_blur_prob, blur_sigma2
        resize(0.3, 1.2, (0.3, 0.4, 0.3), origin_scale=4),  # resize_range2, resize_prob2
        noise(25, 2.5),  # noise_range2, poisson_scale_range2
        {"type": "Clip"},
        {"type": "OneOf", "steps": orders},
        {"type": "Quantize"},
    ]


def test_what_is_no_preset(tmp_path) -> None:
    with pytest.raises(ValueError, match="no degradation preset 'real_esrgn'; did you mean 'real_esrgan'"):
        presets.read("real_esrgn")
    (tmp_path / "mine.py").write_text("scale = 2\ndegradation = [dict(type='Downscale', scale='${scale}')]\n")
    mine = presets.load_preset(str(tmp_path / "mine.py"))
    assert mine.scale == 2
    assert mine.degradation(torch.rand(1, 3, 8, 8), ImageRng([1])).shape == (1, 3, 4, 4)
    (tmp_path / "none.py").write_text("scale = 2\n")
    with pytest.raises(ValueError, match="is no preset"):
        presets.read(str(tmp_path / "none.py"))
    with pytest.raises(ValueError, match="works at scale 1 alone; got 4"):
        presets.load_preset("denoise", 4)
    with pytest.raises(ValueError, match="works at scale 4 alone; got 2"):
        presets.load_preset("bsrgan", 2)
    with pytest.raises(ValueError, match="scale must be positive"):
        presets.load_preset("bicubic", 0)
