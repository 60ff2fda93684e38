"""How autoencoders of diffusers are found, checked and standardized."""

import hashlib
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import huggingface_hub
import pytest
import torch
from huggingface_hub.errors import EntryNotFoundError
from safetensors.torch import load_file, save_file
from torch import Tensor

from cfmrestore._compat import patch_torchvision
from cfmrestore.encoders import AutoencoderDC, AutoencoderKL, AutoencoderTiny
from cfmrestore.ops.rng import ImageRng
from cfmrestore.registry import ENCODERS

WEIGHTS = "diffusion_pytorch_model.safetensors"


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small model, in the subfolder vae of a pipeline; its weights are in half precision."""
    patch_torchvision()
    from diffusers import AutoencoderKL as Model

    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("pipeline")
    Model(
        block_out_channels=(8, 16),
        down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2,
        norm_num_groups=4,
        scaling_factor=0.3611,
        shift_factor=0.1159,
    ).half().save_pretrained(folder / "vae")
    return folder


@pytest.fixture
def folder(saved: Path, tmp_path: Path) -> Path:
    """A copy that a test may damage."""
    return Path(shutil.copytree(saved / "vae", tmp_path / "model"))


@pytest.fixture
def image() -> Tensor:
    return torch.rand(2, 3, 8, 12, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    """A hub of local folders: what it lacks fails as without a network."""
    repositories: dict[str, Path] = {}

    def download(repo_id: str, filename: str, **_: object) -> str:
        if repo_id not in repositories:
            raise OSError("no network")
        assert filename.startswith("vae/")
        if not (repositories[repo_id] / filename).is_file():
            raise EntryNotFoundError("404")
        return str(repositories[repo_id] / filename)

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", download)
    return repositories


def edit_config(folder: Path, **changes: object) -> None:
    file = folder / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


def edit_weights(folder: Path, edit: Callable[[dict[str, Tensor]], object]) -> None:
    weights = {name: value.clone() for name, value in load_file(folder / WEIGHTS).items()}
    edit(weights)
    save_file(weights, folder / WEIGHTS)


# What is computed


def test_mode_equals_diffusers(saved: Path, image: Tensor) -> None:
    from diffusers import AutoencoderKL as Model

    model = Model.from_pretrained(saved / "vae")
    encoder = AutoencoderKL(path=str(saved), subfolder="vae")
    assert (encoder.channels, encoder.downscale, encoder.scale, encoder.shift) == (4, 2, 0.3611, 0.1159)
    assert {parameter.dtype for parameter in encoder.parameters()} == {torch.float32}
    with torch.no_grad():
        raw = model.encode(image * 2 - 1).latent_dist.mode()
        latent = (raw - model.config.shift_factor) * model.config.scaling_factor
        torch.testing.assert_close(encoder.encode(image), latent)
        torch.testing.assert_close(encoder.decode(latent), model.decode(raw).sample / 2 + 0.5)


def test_tiny_and_dc_equal_diffusers(tmp_path: Path, image: Tensor) -> None:
    import diffusers

    tiny = diffusers.AutoencoderTiny(
        encoder_block_out_channels=(8, 8),
        decoder_block_out_channels=(8, 8),
        num_encoder_blocks=(1, 1),
        num_decoder_blocks=(1, 1),
        latent_magnitude=2,
    )
    shape = {"block_out_channels": (8, 8), "layers_per_block": (1, 1), "qkv_multiscales": ((), ())}
    halves = {f"{half}_{key}": value for half in ("encoder", "decoder") for key, value in shape.items()}
    dc = diffusers.AutoencoderDC(latent_channels=4, scaling_factor=0.41407, **halves)
    for name, model, plugin, scale in (("tiny", tiny, AutoencoderTiny, 1), ("dc", dc, AutoencoderDC, 0.41407)):
        model.save_pretrained(tmp_path / name)
        encoder = plugin(path=str(tmp_path / name))
        assert (encoder.scale, encoder.shift) == (scale, 0)
        with torch.no_grad():
            raw = model.encode(image * 2 - 1)[0]
            torch.testing.assert_close(encoder.encode(image), raw * scale)
            torch.testing.assert_close(encoder.decode(raw * scale), model.decode(raw).sample / 2 + 0.5)


def test_scale_and_shift(folder: Path) -> None:
    assert AutoencoderKL(path=str(folder), scale=2.0, shift=0.0).extra_repr().count("scale=2, shift=0,") == 1
    edit_config(folder, shift_factor=None)
    assert AutoencoderKL(path=str(folder)).shift == 0


def test_sample_law(saved: Path) -> None:
    """Mean and variance over 20000 draws, of one number a draw; the log variance 30 is cut at 20."""
    encoder = AutoencoderKL(path=str(saved / "vae"), posterior="sample", scale=2.0, shift=0.5)
    mean, log_variance = torch.tensor([1.0, -2.0, 0.0, 3.0]), torch.tensor([0.0, -1.5, 30.0, -40.0])
    cut = log_variance.clamp(-30, 20).double()
    n = 20_000
    moments = torch.cat([mean, log_variance]).view(1, 8, 1, 1).expand(n, 8, 1, 1)
    draws = encoder.sample(moments, ImageRng(range(n))).flatten(1).double()
    standard_error = 2 * cut.div(2).exp() / n**0.5
    assert torch.all((draws.mean(0) - (mean - 0.5) * 2).abs() < 4 * standard_error + 1e-6)
    # A variance is uncertain by sqrt(2 / n) of itself; float32 cannot resolve the last one beside its mean.
    ratio = draws.var(0) / (4 * cut.exp())
    assert torch.all((ratio[:3] - 1).abs() < 4 * (2 / n) ** 0.5)
    assert draws[:, 3].std() < 1e-5


def test_draws_belong_to_images(saved: Path, image: Tensor) -> None:
    encoder = AutoencoderKL(path=str(saved / "vae"), posterior="sample")
    both = encoder.encode(image, ImageRng([5, 7]))
    torch.testing.assert_close(both[1:], encoder.encode(image[1:], ImageRng([7])), atol=1e-5, rtol=0)
    with pytest.raises(ValueError, match="posterior='sample' needs an rng"):
        encoder.encode(image)


def test_posterior_is_checked_before_loading() -> None:
    with pytest.raises((ValueError, TypeError), match="posterior"):
        ENCODERS.build({"type": "AutoencoderKL", "path": "nowhere", "posterior": "mean"})


# Where it is found


def test_single_file(folder: Path, image: Tensor) -> None:
    expected = AutoencoderKL(path=str(folder)).encode(image)
    file = (folder / WEIGHTS).rename(folder / "ae.safetensors")
    encoder = AutoencoderKL(path=str(file))
    assert {parameter.dtype for parameter in encoder.parameters()} == {torch.float32}
    torch.testing.assert_close(encoder.encode(image), expected)
    with pytest.raises(ValueError, match=r"AutoencoderTiny cannot be read from the file ae\.safetensors"):
        AutoencoderTiny(path=str(file))
    (folder / "config.json").unlink()
    with pytest.raises(ValueError, match=r"holds no config\.json.*beside ae\.safetensors"):
        AutoencoderKL(path=str(file))


def test_bin_is_read_as_weights_only(folder: Path, image: Tensor) -> None:
    expected = AutoencoderKL(path=str(folder)).encode(image)
    weights = load_file(folder / WEIGHTS)
    (folder / WEIGHTS).unlink()
    file = folder / "diffusion_pytorch_model.bin"
    torch.save(weights, file)
    torch.testing.assert_close(AutoencoderKL(path=str(folder)).encode(image), expected)
    torch.save({**weights, "more": Path("code")}, file)
    with pytest.raises(ValueError, match=re.escape(str(file))):
        AutoencoderKL(path=str(folder))


@pytest.mark.parametrize("path", ["/no/such/folder", "./vae", "weights/vae.safetensors", "vae", "a/b/c"])
def test_wrong_path(path: str, hub: dict[str, Path]) -> None:
    with pytest.raises(ValueError, match=rf"{re.escape(path)}: no such path; expected a folder with config\.json"):
        AutoencoderKL(path=path)


def test_folder_without_weights(tmp_path: Path, saved: Path) -> None:
    with pytest.raises(ValueError, match="is there a subfolder to name"):
        AutoencoderKL(path=str(saved))


def test_hub_and_mirrors(saved: Path, hub: dict[str, Path], image: Tensor) -> None:
    hub["our/mirror"] = saved
    mirrors = ["other/org", "our/mirror"]
    encoder = AutoencoderKL(path="some/org", mirrors=mirrors, subfolder="vae")
    torch.testing.assert_close(encoder.encode(image), AutoencoderKL(path=str(saved / "vae")).encode(image))
    hub.clear()
    said = r": there is no such path here, and \S+ does not give vae/config\.json: no network"
    with pytest.raises(ValueError, match=r"\s+".join(f"{place}: {place}{said}" for place in ("some/org", *mirrors))):
        AutoencoderKL(path="some/org", mirrors=mirrors, subfolder="vae")


def test_local_path_comes_before_the_hub(saved: Path, hub: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(saved.parent)
    relative = f"{saved.name}/vae"
    hub[relative] = Path("/no/such/folder")
    assert AutoencoderKL(path=relative).channels == 4


def test_checksum(folder: Path, saved: Path) -> None:
    good = hashlib.sha256((folder / WEIGHTS).read_bytes()).hexdigest()
    AutoencoderKL(path=str(folder), sha256=good.upper())
    (folder / WEIGHTS).write_bytes(b"damaged")
    with pytest.raises(ValueError, match=rf"{WEIGHTS} has the sha256 \w+, not {good}"):
        AutoencoderKL(path=str(folder), sha256=good)
    AutoencoderKL(path=str(folder), mirrors=[str(saved / "vae")], sha256=good)


def test_weights_that_do_not_fit(folder: Path) -> None:
    edit_weights(folder, lambda weights: weights.pop("quant_conv.bias"))
    with pytest.raises(ValueError, match=r"lacks 1 weights.* first quant_conv\.bias"):
        AutoencoderKL(path=str(folder))
    with pytest.raises(ValueError, match="does not hold the weights"):
        AutoencoderKL(path=str(folder / WEIGHTS))
    edit_weights(folder, lambda weights: weights.update({"quant_conv.bias": torch.zeros(3)}))
    with pytest.raises(ValueError, match=r"quant_conv\.bias expected shape"):
        AutoencoderKL(path=str(folder))
