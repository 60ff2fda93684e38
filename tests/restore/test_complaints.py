"""What users of restoration tools suffer from, each with some of the threads and a test on files as a person has them.

Memory that runs out in spite of tiles, wrong pixels after that, and NaN in half precision: also in test_restorer.py,
``TestTrouble``. Seams: also in tests/guidance/test_tiled.py. Every kind of file: test_files.py.
"""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageCms

from cfmrestore.apis.restore import restore
from cfmrestore.imageio import read_picture
from cfmrestore.ops.resize import resize
from cfmrestore.restore import Restorer, Settings
from cfmrestore.restore.cost_model import CostCounter
from tests.restore.flows import linear_flow, random_flow, save_model
from tests.restore.test_restorer import photo


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_model(tmp_path_factory.mktemp("model") / "small.pth").with_suffix(".safetensors")


def restored(model: Path, source: Path, name: str = "out.png", **settings: object) -> Path:
    (done,) = restore([source], model, source.with_name(name), settings=Settings(**settings))
    return done


@pytest.mark.slow
def test_large_images_do_not_run_out_of_memory_with_tiles_on() -> None:
    """Real-ESRGAN#184, StableSR#4, DiffBIR#110, SUPIR#65. Whole images stay on the CPU, and only a few of them."""
    restorer = Restorer(random_flow(), device="cpu", precision="fp32")
    peaks = []
    for side in (48, 96):
        with CostCounter() as live:
            restorer(torch.rand(3, side, side), tile=96)
        peaks.append(live.peak)
    canvas = 4 * 3 * 16 * (96**2 - 48**2)
    assert peaks[1] - peaks[0] < 6.2 * canvas  # five, and one that the suite's type checks hold


def test_memory_that_ran_out_never_leaves_wrong_pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    """Real-ESRGAN#516 #633, HAT#98: in the middle of a step; then all begins again with smaller tiles."""
    flow = linear_flow()
    restorer, original, calls = Restorer(flow, device="cpu"), flow.network.forward, []
    expected = restorer(photo(40, 40), tile=64)

    def sometimes(x: torch.Tensor, *args: object, **kwargs: object) -> torch.Tensor:
        calls.append(x.shape[-1])
        if len(calls) == 7:
            raise MemoryError
        return original(x, *args, **kwargs)

    monkeypatch.setattr(flow.network, "forward", sometimes)
    assert np.array_equal(restorer(photo(40, 40), tile=128), expected)
    assert min(calls) < max(calls)


@pytest.mark.parametrize("tile", [64, 96, 128])
def test_tiles_leave_no_seam(model: Path, tmp_path: Path, tile: int) -> None:
    """Real-ESRGAN#211, S3Diff#2, OSEDiff#32, AuraSR PR#6: a flat wall has no line where tiles meet."""
    Image.fromarray(np.full((60, 60, 3), (90, 130, 170), np.uint8)).save(tmp_path / "wall.png")
    images = [
        np.asarray(Image.open(restored(model, tmp_path / "wall.png", f"{side}.png", tile=side, noise=0))).astype(int)
        for side in (0, tile)
    ]
    jumps = [np.abs(np.diff(image[40:-40, 40:-40], axis=axis)).max() for image in images for axis in (0, 1)]
    assert max(jumps[2:]) <= max(jumps[:2]) + 1


@pytest.mark.parametrize("mode", ["mean", "wavelet", "adain"])
def test_colors_do_not_shift(tmp_path: Path, mode: str) -> None:
    """S3Diff#2, SeeSR#54, SinSR#5: the input's colors on request, also where the model shifts them."""
    flow = linear_flow()
    restorer = Restorer(flow, device="cpu")
    image = torch.from_numpy(photo(30, 40)).permute(2, 0, 1) / 255
    shift = {key: float((restorer(image, color=key).mean((1, 2)) - image.mean((1, 2))).abs().max()) for key in
             ("none", mode)}  # fmt: skip
    assert shift[mode] < 0.5 / 255 < shift["none"]


def test_text_and_faces_are_not_invented_on_request() -> None:
    """PiSA-SR#27, StableSR#61, SUPIR#42: nothing is drawn at fidelity 1; with consistency nothing contradicts."""
    restorer = Restorer(random_flow(), device="cpu")
    image = torch.from_numpy(photo(16, 16)).permute(2, 0, 1)[None] / 255
    assert torch.equal(restorer(image, fidelity=1, seed=0), restorer(image, fidelity=1, seed=1))
    consistent = restorer(image, consistency=True)
    assert (resize(consistent, scale=0.25) - image).abs().max() < 0.5 / 255
    assert restorer.sample(image, count=2).spread.max() > 1


@pytest.mark.parametrize("size", [(1, 1), (3, 2), (7, 131), (64, 9)])
@pytest.mark.parametrize("tile", ["auto", 512])
def test_any_size_is_taken(model: Path, tmp_path: Path, size: tuple[int, int], tile: int | str) -> None:
    """StableSR#131, CDC-RealSR#12, ComfyUI-SUPIR#49: no multiple of anything, and tiles larger than the image."""
    Image.fromarray(photo(*size)).save(tmp_path / "odd.png")
    assert Image.open(restored(model, tmp_path / "odd.png", tile=tile)).size == (4 * size[1], 4 * size[0])


@pytest.mark.parametrize(("channels", "dtype"), [(1, np.uint8), (2, np.uint8), (4, np.uint8), (1, np.uint16),
                                                 (3, np.uint16), (4, np.uint16)])  # fmt: skip
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_nothing_of_a_file_is_lost(model: Path, tmp_path: Path, channels: int, dtype: type, suffix: str) -> None:
    """ESRGAN#18 #41, Real-ESRGAN#291 #325, video2x#1365: transparency, 16 bits, gray; EXIF and profile with them."""
    from cfmrestore.imageio import Metadata, Picture, write_picture

    top = np.iinfo(dtype).max
    pixels = (photo(channels=channels).astype(np.float64) / 255 * top).astype(dtype)
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes() if channels > 2 else None
    exif = Image.Exif()
    exif[0x010F] = "Maker"
    metadata = Metadata(icc=profile, exif=exif.tobytes(), dpi=(300, 300))
    source = tmp_path / f"photo{suffix}"
    write_picture(source, Picture(pixels, metadata, "png"))
    result = read_picture(restored(model, source, f"out{suffix}"))
    assert (result.pixels.dtype, result.pixels.shape) == (dtype, (48, 68, channels))
    assert result.metadata.icc == profile
    kept = Image.Exif()
    kept.load(result.metadata.exif)
    assert kept[0x010F] == "Maker"
    assert len(np.unique(result.pixels)) > (300 if dtype == np.uint16 else 30)


@pytest.mark.parametrize("scale", [1, 2, 3, 4, 5.5, 8])
def test_any_scale_is_made(model: Path, tmp_path: Path, scale: float) -> None:
    """InvSR#9, OSEDiff#63, stablediffusion#110."""
    Image.fromarray(photo(10, 12)).save(tmp_path / "small.png")
    assert Image.open(restored(model, tmp_path / "small.png", scale=scale)).size == (12 * scale, 10 * scale)
