"""The models in the package: what they are, what they promise, and that nothing of it is in their own disfavor."""

import csv
import json
from collections.abc import Iterable
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from cfmrestore import former_names, model_zoo
from cfmrestore.apis import load_config
from cfmrestore.apis.degrade import degrade
from cfmrestore.degradations import Compose
from cfmrestore.engine import checkpoints
from cfmrestore.engine.config import presets
from cfmrestore.engine.panels import write_png
from cfmrestore.evaluation import protocols
from cfmrestore.evaluation.folders import load_image
from cfmrestore.evaluation.functional.grid_power import grid_power
from cfmrestore.evaluation.functional.niqe import niqe
from cfmrestore.evaluation.functional.psnr import psnr
from cfmrestore.evaluation.functional.ssim import ssim
from cfmrestore.former_names import update_names
from cfmrestore.imageio import Metadata, Picture, list_images, read_image
from cfmrestore.ops.jpeg_traces import jpeg_grid
from cfmrestore.ops.resize import resize
from cfmrestore.ops.rng import ImageRng, key_of
from cfmrestore.restore import Restorer, Settings
from tests.testing import ROOT, run_tool

MODELS = {
    "cfm-x4": "few_steps/cfm_x4_trajectory.py",
    "cfm-realsr-x4": "cfm_unet-2.7m_realsr-x4_perceptual.py",
}
FAST = {"cfm-x4-fast": "cfm_unet-2.7m_x4_perceptual.py"}
OTHER_SCALES = {"cfm-realsr-x2": "cfm_unet-2.7m_realsr-x2.py", "cfm-web-x1": "cfm_unet-1.6m_web-x1.py"}
ALL = {**MODELS, **FAST, **OTHER_SCALES}
OF_ONE_STEP = ("cfm-realsr-x4", "cfm-x4-fast")
"""Those of x4, with 2.7 M parameters."""
FOR = {name: "second_order" if "realsr-x4" in name else "bicubic" for name in MODELS | FAST}
FOR |= {"cfm-realsr-x2": "camera_or_web_x2", "cfm-web-x1": "web_or_clean"}
WEAVE = {"cfm-x4-fast": 3, "cfm-realsr-x4": 3, "cfm-realsr-x2": 5, "cfm-web-x1": 2}
"""In dB more than the originals; of weights trained by features with a twentieth of ``Lattice`` 5, 4.6, 9 and 2.6."""
PHOTOS = ROOT / "data" / "photographs" / "held_out"
DATA = ROOT.parent / "shared" / "data"
ENDS = (0.0, 1.0)
both = pytest.mark.parametrize("name", sorted(MODELS))
every = pytest.mark.parametrize("name", sorted(ALL))
at_both_ends = pytest.mark.parametrize("fidelity", ENDS)


@lru_cache
def restorer(name: str) -> Restorer:
    return Restorer.from_pretrained(name)


@lru_cache
def photographs(name: str) -> list[tuple[Tensor, Tensor]]:
    """The bundled photographs, which no training has seen, and what becomes of them where the model is at home."""
    preset = presets.load_preset(FOR[name])
    pairs = []
    for path in list_images(PHOTOS):
        high = load_image(path)[None]
        high = high[..., : high.shape[-2] // 4 * 4, : high.shape[-1] // 4 * 4]  # of every scale
        pairs.append((high, preset.degradation(high, ImageRng([key_of(path.name)]))))
    return pairs


@lru_cache
def restored(name: str, fidelity: float) -> list[Tensor]:
    return [restorer(name)(low, fidelity=fidelity) for _, low in photographs(name)]


class TestWhatTheyAre:
    def test_all_are_there_and_small(self) -> None:
        assert set(model_zoo.cards()) == set(ALL)
        assert sum(path.stat().st_size for path in model_zoo.FOLDER.glob("*.safetensors")) < 24e6

    @every
    def test_the_card_tells_what_one_must_know(self, name: str) -> None:
        card = model_zoo.cards()[name]
        assert {"what", "data", "license", "command", "seed", "iter", "parameters", "versions"} <= card.keys()
        assert "non-commercial" in card["license"]
        assert ALL[name] in card["command"]
        weights = checkpoints.load(model_zoo.find_bundled(name))["state_dict"]
        assert card["parameters"] == sum(value.numel() for value in weights.values())
        assert "/" not in json.dumps(card["versions"])

    @every
    def test_the_config_in_the_repository_is_the_one_that_made_it(self, name: str) -> None:
        trained = update_names(checkpoints.load(model_zoo.find_bundled(name))["meta"]["model"], warn=False)
        written = checkpoints.as_data(load_config(ROOT / "configs" / ALL[name]).model)
        apart = dict.fromkeys(("sampling", "teacher"))  # where the teacher lay is the machine's
        assert {**trained, **apart} == {**written, **apart}

    @every
    def test_the_log_is_of_the_whole_training(self, name: str) -> None:
        with (model_zoo.FOLDER / f"{name}.csv").open() as file:
            rows = list(csv.DictReader(file))
        last = load_config(ROOT / "configs" / ALL[name]).train_cfg.max_iters
        assert int(rows[-1]["iter"]) == last == model_zoo.cards()[name]["iter"]
        assert len(rows) >= last // 50
        assert float(rows[-1]["PSNR"]) > float(rows[-1]["bicubic/PSNR"])

    @pytest.mark.parametrize(("former", "present"), former_names.MODELS.items())
    def test_a_former_name_is_read(self, former: str, present: str) -> None:
        former_names._say.cache_clear()
        with pytest.warns(FutureWarning, match=f"'{former}' is called '{present}' now"):
            assert model_zoo.find_bundled(former) == model_zoo.find_bundled(present)

    def test_a_photograph_without_a_model_being_named(self, tmp_path: Path) -> None:
        small = read_image(PHOTOS / "brook.png")[:40, :60]
        write_png(tmp_path / "small.png", small)
        said = run_tool("restore.py", tmp_path / "small.png", "--out", tmp_path / "out.png")
        assert f"{tmp_path / 'small.png'}: cfm-x4-fast, for a clean picture" in said
        assert np.array_equal(read_image(tmp_path / "out.png"), restorer("cfm-x4-fast")(small))


@every
def test_the_natural_end_is_the_default(name: str) -> None:
    low = photographs(name)[0][1][..., :24, :24]
    assert torch.equal(restorer(name)(low), restorer(name)(low, fidelity=0.0))


@every
@pytest.mark.parametrize("fidelity", [0.0, 0.5, 1.0])
def test_they_are_fast(name: str, fidelity: float) -> None:
    """One evaluation, or two where the card says so; the mean takes one, and what lies between takes both."""
    low = (255 * photographs(name)[0][1][0, :, :24, :24]).byte().permute(1, 2, 0).numpy()
    evaluations = {0.0: 2, 0.5: 3, 1.0: 1}[fidelity] if name == "cfm-x4" else 1
    assert restorer(name).restore(Picture(low, Metadata(), "png"), Settings(fidelity=fidelity))[2] == evaluations
    if not fidelity:
        assert model_zoo.cards()[name]["figures"]["evaluations"] == evaluations


class Measured(NamedTuple):
    """The means of 8-bit pictures, by the classical protocol."""

    psnr: float
    ssim: float
    niqe: float


def measured(pairs: list[tuple[Tensor, Tensor]], images: Iterable[Tensor]) -> Measured:
    protocol, rows = protocols.find_protocol("classic_y"), []
    for (high, _), image in zip(pairs, images, strict=True):
        luma, target = protocol.luma((255 * image.clamp(0, 1)).round() / 255, 4), protocol.luma(high, 4)
        rows.append([float(psnr(luma, target)), float(ssim(luma, target)), float(niqe(luma))])
    return Measured(*np.mean(rows, axis=0))


def luma(image: Tensor) -> Tensor:
    """That of the file."""
    return protocols.find_protocol("classic_y").luma(image, 0)[0, 0]


def pairs_in(high: Path, low: Path) -> list[tuple[Tensor, Tensor]]:
    """Targets and inputs from files."""
    found = ([load_image(path)[None] for path in list_images(folder)] for folder in (high, low))
    return list(zip(*found, strict=True))


@pytest.mark.slow
class TestWhatTheyDo:
    @both
    def test_closer_than_bicubic_at_both_ends_and_more_natural_at_one(self, name: str) -> None:
        pairs = photographs(name)
        bicubic = measured(pairs, [resize(low, scale=4) for _, low in pairs])
        natural, faithful = (measured(pairs, restored(name, fidelity)) for fidelity in ENDS)
        assert faithful.psnr > bicubic.psnr + 1.2
        assert natural.psnr > bicubic.psnr + 0.7
        assert natural.niqe < 0.85 * bicubic.niqe

    @pytest.mark.parametrize("name", OF_ONE_STEP)
    def test_the_dial_of_one_step_leads_from_far_to_near(self, name: str) -> None:
        """Monotone in the error; at its far end a decibel above bicubic."""
        pairs = photographs(name)
        found = [measured(pairs, restored(name, fidelity)) for fidelity in (0.0, 0.25, 0.5, 0.75, 1.0)]
        assert all(a.psnr <= b.psnr + 0.005 for a, b in pairwise(found))
        assert found[0].psnr > measured(pairs, [resize(low, scale=4) for _, low in pairs]).psnr + 1

    def test_the_model_for_all_photographs_spoils_no_clean_ones(self) -> None:
        """Closer than bicubic at both ends, and less blurred."""
        pairs = photographs("cfm-x4")
        bicubic = measured(pairs, [resize(low, scale=4) for _, low in pairs])
        natural, faithful = (
            measured(pairs, [restorer("cfm-realsr-x4")(low, fidelity=fidelity) for _, low in pairs])
            for fidelity in ENDS
        )
        assert faithful.psnr > natural.psnr > bicubic.psnr
        assert natural.niqe < faithful.niqe < bicubic.niqe

    @pytest.mark.weights
    @pytest.mark.parametrize(("name", "faithful", "look"), [("set5", 31.0, 5.44), ("set14", 27.9, 4.92)])
    def test_the_classical_benchmarks(self, name: str, faithful: float, look: float) -> None:
        """At the natural end half a decibel above bicubic, and NIQE within 10 % of the originals' own."""
        folder = DATA / "test" / name / "x4"
        if not folder.is_dir():
            pytest.skip(f"{name} is not on this machine")
        pairs = pairs_in(folder / "hr", folder / "lr")
        bicubic = measured(pairs, [resize(low, scale=4) for _, low in pairs])
        assert measured(pairs, [high for high, _ in pairs]).niqe == pytest.approx(look, abs=0.01)
        assert measured(pairs, [restorer("cfm-x4")(low, fidelity=1.0) for _, low in pairs]).psnr > faithful
        natural = measured(pairs, [restorer("cfm-x4")(low) for _, low in pairs])
        assert natural.psnr > bicubic.psnr + 0.5
        assert natural.niqe == pytest.approx(look, rel=0.1)

    @pytest.mark.weights
    @pytest.mark.parametrize(("folder", "every"), [("test/set14/x4/hr", 1), ("train/bsds400", 8)])
    def test_photographs_that_were_degraded(self, folder: str, every: int, tmp_path: Path) -> None:
        """A decibel above bicubic and more of the structure, a third of NIQE below it.

        Of the folder for training every fourth file is held out; every second of these is enough.
        """
        if not (DATA / folder).is_dir():
            pytest.skip(f"{folder} is not on this machine")
        (tmp_path / "photos").mkdir()
        for path in list_images(DATA / folder)[::every]:
            (tmp_path / "photos" / path.name).symlink_to(path)
        degrade(tmp_path / "photos", "second_order", tmp_path / "set", freeze=True)
        pairs = pairs_in(tmp_path / "set" / "high", tmp_path / "set" / "low")
        assert len(pairs) >= 14
        bicubic = measured(pairs, [resize(low, scale=4) for _, low in pairs])
        natural = measured(pairs, [restorer("cfm-realsr-x4")(low, fidelity=0.0) for _, low in pairs])
        assert natural.psnr > bicubic.psnr + 1.0
        assert natural.ssim > bicubic.ssim
        assert natural.niqe < 0.7 * bicubic.niqe


def lattice(images: list[Tensor], name: str, period: int = 4) -> float:
    r"""The largest amplitude, in levels, of a wave :math:`(k/p, l/p) \ne 0` that restored photographs have in common.

    Each of the :math:`p^2` phases has a mean difference from bicubic interpolation, over all photographs; the amplitude
    of a wave is its coefficient in these means.
    """
    phases = torch.zeros(3, period, period, dtype=torch.float64)
    for (_, low), image in zip(photographs(name), images, strict=True):
        added = (image - resize(low, scale=restorer(name).scale))[0].double()
        height, width = (side // period for side in added.shape[-2:])
        phases += added.reshape(3, height, period, width, period).mean(dim=(1, 3)) / len(images)
    waves = torch.fft.fft2(255 * phases).abs() / period**2
    waves[:, 0, 0] = 0
    return float(waves.max())


def fine_detail(image: Tensor) -> Tensor:
    """Luma and the two differences of color, in levels, without what is wider than nine pixels."""
    y = luma(image)[None, None] / 255
    planes = 255 * torch.cat([y, 0.564 * (image[:, 2:] - y), 0.713 * (image[:, :1] - y)], dim=1)
    return planes - F.avg_pool2d(F.pad(planes, (4, 4, 4, 4), mode="reflect"), 9, 1)


class TestWhatTheyMustNotDo:
    @every
    @at_both_ends
    def test_no_color_shifts(self, name: str, fidelity: float) -> None:
        """A channel's mean is bicubic's to half a level, on photographs and on flat colors."""
        for (_, low), image in zip(photographs(name), restored(name, fidelity), strict=True):
            shift = 255 * (image - resize(low, scale=restorer(name).scale).clamp(0, 1)).mean(dim=(0, -2, -1))
            assert float(shift.abs().max()) < 0.5
        for color in ((0.1, 0.5, 0.9), (0.5, 0.5, 0.5), (0.9, 0.2, 0.3)):
            low = torch.tensor(color)[None, :, None, None].expand(1, 3, 32, 32)
            shift = 255 * (restorer(name)(low, fidelity=fidelity) - low[..., :1, :1]).mean(dim=(0, -2, -1))
            assert float(shift.abs().max()) < 0.5

    @every
    @at_both_ends
    def test_no_seams(self, name: str, fidelity: float) -> None:
        low = photographs(name)[0][1]
        # 32 latent samples overlap, of which a quarter is context alone, and networks of 2.7 M parameters see 38 far.
        # Where local gains multiply what they see, four pixels of a hundred thousand differ by half a level to 0.9
        # (cfm-realsr-x2); of tiles of 256 pixels it is one of a thousand, by half a level to 1.4.
        assert max(low.shape[-2:]) * restorer(name).scale > 320
        tiled = restorer(name)(low, fidelity=fidelity, tile=320)
        difference = (tiled - restored(name, fidelity)[0]).abs() * 255
        assert float(difference.max()) < 1
        assert float((difference > 0.5).float().mean()) < 1e-4

    @every
    @at_both_ends
    def test_no_checkerboard(self, name: str, fidelity: float) -> None:
        """The blocks of the wavelets leave no lattice beyond a tenth of a level; features, none that rounding shows."""
        assert lattice(restored(name, fidelity), name) < (0.1 if name == "cfm-x4" else 0.4)

    @pytest.mark.parametrize("name", sorted(WEAVE))
    @at_both_ends
    def test_no_weave_in_detail(self, name: str, fidelity: float) -> None:
        images = restored(name, fidelity)
        pairs = zip(images, photographs(name), strict=True)
        excess = [grid_power(luma(image)) - grid_power(luma(high)) for image, (high, _) in pairs]
        assert np.mean(excess) < WEAVE[name]

    @pytest.mark.parametrize("sigma", [6, 10, 20])
    def test_noise_of_a_flat_picture_is_shut_off(self, sigma: float) -> None:
        """Of white noise a third is left: without local gains it was more than half."""
        noise = torch.randn(1, 3, 96, 96, generator=torch.Generator().manual_seed(0)) * sigma / 255
        inner = (restorer("cfm-web-x1")(0.5 + noise, fidelity=1.0) - 0.5)[..., 16:-16, 16:-16]
        assert 255 * float(inner.std()) < sigma / 3

    @pytest.mark.parametrize("path", list_images(PHOTOS), ids=lambda path: path.stem)
    @pytest.mark.parametrize(("noise", "quality"), [(8, 60), (10, 45), (15, 30)])
    @at_both_ends
    def test_noise_under_jpeg_becomes_no_grain_and_no_blocks(
        self, path: Path, noise: int, quality: int, fidelity: float
    ) -> None:
        """In the smoothest fifth there is no color that the original has not, and less grain than enlarged; shrunk
        again, at most half of what shows the blocks stays, and less than quality 95 shows."""
        high = load_image(path)[None]
        high = high[..., : high.shape[-2] // 32 * 32, : high.shape[-1] // 32 * 32]
        steps = [{"type": "Downscale", "scale": 4}, {"type": "GaussianNoise", "sigma": (noise, noise)},
                 {"type": "JPEG", "quality": (quality, quality)}]  # fmt: skip
        low = Compose(steps=steps)(high, ImageRng([1]))
        images = {"original": high, "enlarged": resize(low, scale=4).clamp(0, 1),
                  "restored": restorer("cfm-realsr-x4")(low, fidelity=fidelity)}  # fmt: skip
        fine = {name: fine_detail(image) for name, image in images.items()}
        busy = F.avg_pool2d(fine["original"][:, :1].abs(), 17, 1, 8, count_include_pad=False)[0, 0]
        smooth = busy <= busy.quantile(0.2)
        grain = {name: planes[0][:, smooth].std(dim=1) for name, planes in fine.items()}
        assert bool((grain["restored"] <= torch.maximum(grain["original"], 0.7 * grain["enlarged"]))[0])
        assert bool((grain["restored"] <= grain["original"])[1:].all())
        blocks = {name: jpeg_grid(luma(resize(image, scale=0.25)).numpy()).strength
                  for name, image in images.items()}  # fmt: skip
        assert blocks["restored"] < min(0.3, 0.5 * blocks["enlarged"])

    @both
    def test_a_checkerboard_would_be_seen(self, name: str) -> None:
        """Half a level up and down, at every second pixel."""
        spoilt = [image.clone() for image in restored(name, 0.0)]
        for image in spoilt:
            image[..., ::2] += 0.5 / 255
        assert lattice(spoilt, name) > 0.2
