"""Laws of degradations, of pairs whose law is known."""

from pathlib import Path

import numpy as np
import pytest
import torch

from cfmrestore.analysis.degradation_law import FREQUENCIES, degradation_law, law_of_pair
from cfmrestore.degradations import JPEG, CorrelatedNoise, GaussianBlur
from cfmrestore.engine.panels import write_png
from cfmrestore.ops.filters import filter_each
from cfmrestore.ops.kernels import gaussian_kernels
from cfmrestore.ops.resize import resize
from cfmrestore.ops.rng import ImageRng
from tests.testing import run_tool


def photograph(seed: int, side: int = 512) -> torch.Tensor:
    """Noise with the spectrum of photographs, 1 / f."""
    rng = np.random.default_rng(seed)
    f = np.hypot(*np.meshgrid(np.fft.fftfreq(side), np.fft.fftfreq(side), indexing="ij"))
    f[0, 0] = 1
    planes = np.fft.ifft2(np.fft.fft2(rng.standard_normal((3, side, side))) / f).real
    return torch.from_numpy(0.5 + 0.12 * planes / planes.std())[None].clamp(0, 1)


def blurred(image: torch.Tensor, sigma: float) -> torch.Tensor:
    kernel = gaussian_kernels(torch.full((1, 2), sigma, dtype=torch.float64), torch.zeros(1), 31)
    return filter_each(image, kernel)


@pytest.mark.parametrize("sigma", [1.5, 3.0])
@pytest.mark.parametrize("scale", [2, 4])
def test_a_known_blur_and_a_known_gain_are_found(sigma: float, scale: int) -> None:
    high = photograph(0)
    low = resize(blurred(high, sigma), scale=1 / scale, kernel="area")
    found = law_of_pair(high, low)
    assert found.sigma == pytest.approx(sigma, rel=0.05)
    assert found.gain == pytest.approx(1, abs=0.03)
    louder = law_of_pair(high, 0.5 + 1.3 * (low - 0.5))
    assert louder.gain == pytest.approx(1.3 * found.gain, rel=1e-6)
    assert louder.sigma == pytest.approx(found.sigma, rel=1e-6)


def test_nothing_but_shrinking_transfers_all() -> None:
    high = photograph(1)
    found = law_of_pair(high, resize(high, scale=0.25, kernel="area"))
    assert np.allclose(found.transfer, 1)
    assert len(found.transfer) == len(FREQUENCIES)


def test_noise_is_told_in_levels() -> None:
    high = photograph(2)
    low = resize(blurred(high, 3.0), scale=0.25, kernel="area")
    gray = torch.randn(1, 1, *low.shape[-2:], generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    assert law_of_pair(high, low + 4 / 255 * gray).noise == pytest.approx(4, rel=0.25)


def test_smooth_noise_is_grain() -> None:
    """Which no high frequency tells."""
    high = photograph(2)
    low = resize(blurred(high, 3.0), scale=0.25, kernel="area")
    grain = CorrelatedNoise(sigma=(3.0, 3.0), radius=(1.0, 1.0), gray_probability=1.0)
    clean, found = law_of_pair(high, low), law_of_pair(high, grain(low, ImageRng([0])))
    assert clean.grain < 0.5
    assert found.noise < 1
    assert found.grain == pytest.approx(3, rel=0.15)
    assert found.correlation == pytest.approx(np.exp(-1 / 4), abs=0.05)


@pytest.mark.parametrize("quality", [50, 80, 90])
def test_the_quality_of_jpeg_is_found(quality: int) -> None:
    high = photograph(3)
    low = resize(high, scale=0.25, kernel="area")
    clean, found = (
        law_of_pair(high, low),
        law_of_pair(high, JPEG(quality=(quality, quality))(low.float(), ImageRng([0]))),
    )
    assert clean.quality == 100
    assert clean.blocks < 0.2 < found.blocks
    assert found.quality == pytest.approx(quality, abs=1)


def test_folders_of_pairs_beside_a_preset(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for seed in range(3):
        high = photograph(seed, 256)
        low = resize(
            GaussianBlur(sigma=(2.0, 2.0), size=13, isotropic=True)(high, ImageRng([seed])), scale=0.25, kernel="area"
        )
        for name, image in (("high", high), ("low", low)):
            (tmp_path / name).mkdir(exist_ok=True)
            write_png(tmp_path / name / f"{seed}.png", (255 * image[0]).round().byte().permute(1, 2, 0).numpy())
    said = run_tool(
        "degradation_law.py", tmp_path / "high", tmp_path / "low", "--presets", "bicubic", "--every", 2,
        "--out", tmp_path / "law.png",
    )  # fmt: skip
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in said.splitlines() if line.startswith("|")]
    assert rows[2][:2] == ["pairs", "sigma"]
    assert float(rows[2][4]) == pytest.approx(2.0, abs=0.15)
    assert [row[1] for row in rows[7:9]] == ["blocks", "quality"]
    assert rows[9][:2] == ["bicubic", "sigma"]
    assert (tmp_path / "law.png").stat().st_size > 1000
    for name, side in (("high", 256), ("low", 64)):
        write_png(tmp_path / name / "flat.png", np.full((side, side, 3), 90, np.uint8))
    with pytest.raises(ValueError, match=r"law\.png is there already: --overwrite replaces it"):
        degradation_law(tmp_path / "high", tmp_path / "low", tmp_path / "law.png")
    degradation_law(tmp_path / "high", tmp_path / "low", tmp_path / "law.png", overwrite=True)
    assert "left out, since there is nothing in them: flat" in capsys.readouterr().err
    write_png(tmp_path / "low" / "flat.png", np.random.default_rng(0).integers(0, 255, (20, 24, 3), np.uint8))
    write_png(tmp_path / "high" / "flat.png", np.random.default_rng(0).integers(0, 255, (256, 256, 3), np.uint8))
    with pytest.raises(ValueError, match="flat: a pair is an image and one a whole number of times smaller"):
        degradation_law(tmp_path / "high", tmp_path / "low", tmp_path / "other.png")
    with pytest.raises(ValueError, match=r"a \.png file"):
        degradation_law(tmp_path / "high", tmp_path / "low", tmp_path / "law.jpg")
    with pytest.raises(ValueError, match="a pair is an image and one a whole number of times smaller"):
        law_of_pair(torch.rand(1, 3, 200, 200), torch.rand(1, 3, 61, 60))
