"""Zero-shot restoration of images: what is known of a degradation, kinds of images, tiles, and wrong inputs."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from cfmrestore.apis.degrade import degrade
from cfmrestore.degradations import DiffJPEG, Downscale, GaussianBlur, Grayscale
from cfmrestore.editing import Boundary
from cfmrestore.flows import CouplingFlow
from cfmrestore.imageio import read_image
from cfmrestore.ops.resize import resize
from cfmrestore.restore import Restorer, ZeroShotRestorer
from cfmrestore.restore.known_degradation import known_degradation
from tests.restore.flows import random_flow
from tests.restore.test_restorer import photo
from tests.testing import write_images

PLAIN = {"coupling": {"type": "Independent"}, "conditions": [], "scale": 1}


@pytest.fixture(scope="module")
def restorer() -> ZeroShotRestorer:
    return ZeroShotRestorer(random_flow(**PLAIN), steps=3, device="cpu", precision="fp32", tile=0)


def test_presets_and_scales(restorer: ZeroShotRestorer) -> None:
    small = photo(6, 7)
    for name, scale in (("bicubic", 4), ("bicubic_x2", 2), ("bicubic_x3", 3)):
        large = restorer(small, name)
        assert large.shape == (6 * scale, 7 * scale, 3)
        image = torch.from_numpy(large).permute(2, 0, 1)[None] / 255
        shrunk = resize(image, scale=1 / scale)[0].permute(1, 2, 0) * 255
        assert (
            float((shrunk - torch.from_numpy(small)).abs().mean()) < 12
        )  # of 255 levels: a random network leaves [0, 1], which is cut off
    assert restorer(small, "gaussian_blur").shape == small.shape


def test_operators_configs_and_chains(restorer: ZeroShotRestorer) -> None:
    small, config = photo(8, 10), {"type": "Downscale", "scale": 2}
    expected = restorer(small, Downscale(scale=2))
    for same in (config, [config], [config, {"type": "Clip"}]):
        assert np.array_equal(restorer(small, same), expected)
    assert not np.array_equal(restorer(small, config, seed=1), expected)


def test_a_mask_keeps_what_is_known(restorer: ZeroShotRestorer) -> None:
    image, mask = photo(16, 20), np.zeros((16, 20), np.uint8)
    mask[4:9, 5:12] = 255
    filled = restorer(image, mask=mask)
    outside = mask == 0
    assert abs(filled[outside].astype(int) - image[outside]).max() <= 1
    assert not np.array_equal(filled[~outside], image[~outside])
    assert np.array_equal(restorer(np.maximum(image, mask[..., None]), mask=mask), filled)  # whatever lies in the hole


def test_gray_becomes_colored(restorer: ZeroShotRestorer) -> None:
    from PIL import Image

    gray = Image.fromarray(photo(12, 14)).convert("L")
    colored = restorer(gray, "colorize")
    assert (colored.mode, colored.size) == ("RGB", (14, 12))
    luma = np.asarray(colored.convert("L")).astype(int) - np.asarray(gray)
    assert abs(luma).mean() < 4
    assert restorer(np.asarray(gray), Grayscale()).shape == (12, 14)


def test_images_of_a_batch_are_those_alone(restorer: ZeroShotRestorer) -> None:
    batch = np.stack([photo(8, 10), photo(8, 10, seed=1)])
    together = restorer(batch, "bicubic_x2")
    assert abs(together[1].astype(int) - restorer(batch[1], "bicubic_x2")).max() <= 1


def test_tiles_cut_the_network_alone() -> None:
    """What is far from a seam is the same, and the answer explains the input as well."""
    flow, done = random_flow(**PLAIN), list[float]()
    tiled = ZeroShotRestorer(flow, steps=2, device="cpu", precision="fp32", tile=32)
    whole = ZeroShotRestorer(flow, steps=2, device="cpu", precision="fp32", tile=0)
    image = photo(48, 64)
    with_tiles = tiled(image, "gaussian_blur", on_progress=done.append)
    assert abs(with_tiles.astype(int) - whole(image, "gaussian_blur")).mean() < 2
    assert done == sorted(done)
    assert done[-1] == 1
    assert len(done) > 3  # more than steps


@pytest.mark.parametrize("method", ["flower", "pnp-flow", "mmps", {"type": "MMPS", "iterations": 1}])
def test_methods_and_their_evaluations(method: Any) -> None:
    restorer = ZeroShotRestorer(random_flow(**PLAIN), method=method, steps=2, device="cpu", tile=0)
    low = torch.rand(1, 3, 8, 8)
    done = restorer.solve(low, known_degradation(low, "bicubic_x2"), [0])
    assert done.nfe == restorer.method.nfe
    assert done.image.shape == (1, 3, 16, 16)


def test_a_class_and_its_guidance() -> None:
    label = {"type": "ClassLabel", "classes": 3, "channels": 8, "dropout": 0.5}
    restorer = ZeroShotRestorer(random_flow(**{**PLAIN, "conditions": [label]}), steps=2, device="cpu", tile=0)
    results = [restorer(photo(8, 8), "bicubic_x2", label=c, guidance=g) for c, g in ((0, 1.0), (1, 1.0), (1, 3.0))]
    assert not np.array_equal(results[0], results[1])
    assert not np.array_equal(results[1], results[2])
    with pytest.raises(ValueError, match="needs a label"):
        restorer(photo(8, 8), "bicubic_x2")


def boundary_of(flow: CouplingFlow, size: tuple[int, int], **keys: Any) -> Boundary:
    normal = torch.randn(flow.encoder.channels, *size, generator=torch.Generator().manual_seed(0))
    normal = normal / normal.norm()
    told = {"intercept": 0.1, "std": 0.5, "time": 1.0, "attribute": "smile", "accuracy": 0.9, **keys}
    return Boundary(normal=normal, direction=normal, **told)


def test_it_goes_along_a_boundary_as_far_as_the_input_leaves_it_open(restorer: ZeroShotRestorer) -> None:
    flow, image = restorer.flow, torch.from_numpy(photo(8, 8)).permute(2, 0, 1)[None] / 255
    boundary = boundary_of(flow, (8, 8))

    def distances(**keys: Any) -> float:
        restored = restorer(image, "bicubic_x2", **keys)
        assert float((resize(restored, scale=0.5) - image).abs().mean()) < 12 / 255  # the input has the last word
        return float(boundary.distance(flow.encoder.encode(restored)) / boundary.std)

    low, free, high = (distances(**keys) for keys in ({"boundary": boundary, "toward": -6.0}, {},
                                                      {"boundary": boundary, "toward": 6.0}))  # fmt: skip
    assert low + 0.5 < free < high - 0.5


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"time": 0.8}, r"that of 'smile' lies in the latent at time 0\.8: fit one with --time 1"),
        ({"space": "bottleneck"}, "lies in the bottleneck at time 1"),
        ({"model": "another"}, "the boundary of 'smile' is of another model"),
        ({"size": (16, 16)}, "it fits images of the size that it was fitted to"),
    ],
)
def test_wrong_boundaries(restorer: ZeroShotRestorer, keys: dict[str, Any], message: str) -> None:
    size = keys.pop("size", (8, 8))
    with pytest.raises(ValueError, match=message):
        restorer(photo(8, 8), "bicubic_x2", boundary=boundary_of(restorer.flow, size, **keys), toward=1.0)
    with pytest.raises(ValueError, match="give both or neither"):
        restorer(photo(8, 8), "bicubic_x2", toward=1.0)


def test_sidecars(restorer: ZeroShotRestorer, tmp_path: Path) -> None:
    """What a preset drew for an image is what is undone, whatever its size."""
    preset = tmp_path / "shake.py"
    steps = "[dict(type='MotionBlur', length=(5, 9)), dict(type='GaussianNoise', sigma=(1, 20)), dict(type='Quantize')]"
    preset.write_text(f"scale = 1\ndegradation = {steps}\n")
    degrade(write_images(tmp_path / "photos", count=1, side=22), str(preset), tmp_path / "low")
    sidecar = tmp_path / "low" / "0.json"
    low = torch.from_numpy(read_image(tmp_path / "low" / "0.png")).permute(2, 0, 1)[None] / 255
    found = known_degradation(low, known=sidecar)
    drawn = json.loads(sidecar.read_text())["params"]["steps"]
    assert found.size == (22, 22)
    level = float(drawn[1]["sigma"]["values"][0])
    assert float(found.operator.noise_level(low)) == pytest.approx((level**2 + 1 / (12 * 255**2)) ** 0.5)
    assert float(known_degradation(low, known=sidecar, noise_level=0.5).operator.noise_level(low)) == 0.5
    assert restorer(low, known=sidecar).shape == low.shape
    params = tmp_path / "params.json"
    params.write_text(json.dumps({"steps": drawn}))
    again = known_degradation(low, str(preset), known=params)
    x = torch.rand(1, 3, 22, 22)
    assert torch.equal(again.operator(x), found.operator(x))


def test_a_noise_level_that_is_told_need_not_be_drawn(restorer: ZeroShotRestorer) -> None:
    low = torch.rand(2, 3, 8, 10)
    found = known_degradation(low, "denoise", noise_level=0.1)
    assert torch.equal(found.operator.noise_level(low), torch.tensor([0.1, 0.1]))
    assert torch.equal(found.operator(low), low)
    assert restorer(photo(8, 10), "denoise", noise_level=0.1).shape == (8, 10, 3)
    with pytest.raises(ValueError, match="draws its parameters: say which this image had"):
        known_degradation(low, "deblur", noise_level=0.1)


def test_jpeg_of_a_sidecar(tmp_path: Path) -> None:
    preset = tmp_path / "jpeg.py"
    preset.write_text("scale = 1\ndegradation = [dict(type='JPEG', quality=(5, 95))]\n")
    degrade(write_images(tmp_path / "photos", count=1, side=22), str(preset), tmp_path / "low")
    low = torch.tensor(read_image(tmp_path / "low" / "0.png")).permute(2, 0, 1)[None] / 255
    sidecar = tmp_path / "low" / "0.json"
    ((step, params),) = known_degradation(low, known=sidecar).operator.steps
    assert isinstance(step, DiffJPEG)
    assert params.quality.tolist() == json.loads(sidecar.read_text())["params"]["steps"][0]["quality"]["values"]
    restorer = ZeroShotRestorer(random_flow(**PLAIN), method="pnp-flow", steps=2, device="cpu", tile=0)
    assert restorer(low, known=sidecar).shape == low.shape


MASK = np.zeros((8, 10), np.uint8)
MASK[2:4, 3:5] = 255


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({}, "name the degradation, or give the sidecar"),
        ({"degradation": "bicubi"}, "there is no degradation preset 'bicubi'; did you mean 'bicubic'"),
        ({"degradation": "deblur"}, "draws its parameters: say which this image had"),
        ({"degradation": [{"type": "GaussianNoise"}]}, "draws the level of its noise"),
        ({"degradation": "dejpeg"}, "draws its parameters: say which this image had"),
        ({"degradation": {"type": "JPEG", "quality": (30, 30)}}, "Flower is for linear problems, and this degradation"),
        ({"degradation": [{"type": "WebP"}]}, "WebP is neither linear nor differentiable"),
        ({"degradation": "bicubic", "mask": MASK}, "give a mask, or a degradation"),
        ({"mask": MASK[:4]}, "a mask has the size of its image"),
        ({"degradation": "bicubic", "noise_level": -1.0}, "the noise level is 0 or more"),
        ({"degradation": GaussianBlur(), "known": {"sigma": 2}}, r"parameters of GaussianBlur are \['beta', "),
        ({"degradation": "bicubic", "known": {"steps": []}}, "these parameters are of 0 operators, the chain has 2"),
        ({"known": "nowhere.json"}, "nowhere.json holds no known parameters"),
    ],
)
def test_what_is_wrong_is_named(restorer: ZeroShotRestorer, keys: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        restorer(photo(8, 10), **keys)


def test_wrong_images_and_models(restorer: ZeroShotRestorer, tmp_path: Path) -> None:
    degrade(write_images(tmp_path / "photos", count=1, side=24), "bicubic", tmp_path / "low")
    known = tmp_path / "low" / "0.json"
    with pytest.raises(ValueError, match="the degradation makes 6x6 of 24x24 pixels; this image has 10x8"):
        restorer(photo(8, 10), known=known)
    with pytest.raises(ValueError, match="a sidecar belongs to one image; got a batch of 2"):
        restorer(np.stack([photo(6, 6)] * 2), known=known)
    with pytest.raises(ValueError, match=r"these parameters are of Downscale, the chain has Grayscale there"):
        restorer(photo(6, 6), "colorize", known=known)
    transparent = photo(8, 8, channels=4)
    with pytest.raises(ValueError, match="an image with transparency has no known degradation: flatten it"):
        restorer(transparent, "bicubic")
    with pytest.raises(ValueError, match="this model was trained to restore, and is told its input"):
        ZeroShotRestorer(random_flow(), device="cpu", tile=0)(photo(8, 8), "bicubic")
    with pytest.raises(ValueError, match="this model draws images from noise, whatever the input"):
        Restorer(random_flow(**PLAIN), device="cpu")(photo(8, 8))
    with pytest.raises(ValueError, match="unknown inverse problem solver 'Flwer'; did you mean 'Flower'"):
        ZeroShotRestorer(random_flow(**PLAIN), method="Flwer")


def test_too_little_memory_halves_the_tiles(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    flow = random_flow(**PLAIN)
    forward, sides = type(flow.network).forward, []

    def limited(self: Any, x: torch.Tensor, *args: Any, **keys: Any) -> torch.Tensor:
        sides.append(x.shape[-1])
        if x.shape[-1] > 8:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return forward(self, x, *args, **keys)

    expected = ZeroShotRestorer(flow, steps=2, device="cpu", tile=16)(photo(24, 40), "gaussian_blur")
    monkeypatch.setattr(type(flow.network), "forward", limited)
    result = ZeroShotRestorer(flow, steps=2, device="cpu", tile=0)(photo(24, 40), "gaussian_blur")
    assert np.array_equal(result, expected)
    assert "beginning again with 16" in caplog.text
    assert set(sides) == {20, 10, 8}


def test_a_method_that_differentiates_takes_no_tiles_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """The graph of all tiles is held, which is more than that of the whole."""
    monkeypatch.setattr("cfmrestore.restore.tile_planner.choose", lambda *args: pytest.fail("tiles were planned"))
    ZeroShotRestorer(random_flow(**PLAIN), method="mmps", steps=1, device="cpu")(photo(8, 8), "gaussian_blur")


@pytest.mark.parametrize("tile", [-1, "small", True])
def test_tiles_that_are_none(tile: Any) -> None:
    with pytest.raises(ValueError, match="tile must be 'auto', 0 or a number of pixels"):
        ZeroShotRestorer(random_flow(**PLAIN), device="cpu", tile=tile)


def test_what_made_an_image_is_told_before_it_is_undone(restorer: ZeroShotRestorer) -> None:
    how = restorer.known(photo(6, 7), "bicubic_x4")
    assert how.size == (24, 28)
    assert np.array_equal(restorer(photo(6, 7), how), restorer(photo(6, 7), "bicubic_x4"))
