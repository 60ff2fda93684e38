"""What every registered encoder promises; each check names a broken encoder that it must reject."""

import copy
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

import cfmrestore.encoders  # noqa: F401
from cfmrestore._compat import patch_torchvision
from cfmrestore.encoders import Encoder, Haar, Identity, card
from cfmrestore.encoders.taef2 import build_decoder, build_encoder
from cfmrestore.ops.rng import ImageRng
from cfmrestore.registry import ENCODERS

Config = dict[str, object]


def save_kl(folder: Path) -> Config:
    from diffusers import AutoencoderKL

    AutoencoderKL(
        block_out_channels=(8, 8, 16),
        down_block_types=("DownEncoderBlock2D",) * 3,
        up_block_types=("UpDecoderBlock2D",) * 3,
        norm_num_groups=4,
        scaling_factor=0.5,
        shift_factor=0.25,
    ).save_pretrained(folder)
    return {"path": str(folder)}


def save_kl_sample(folder: Path) -> Config:
    return {**save_kl(folder), "posterior": "sample"}


def save_tiny(folder: Path) -> Config:
    from diffusers import AutoencoderTiny

    AutoencoderTiny(
        encoder_block_out_channels=(8, 8, 8),
        decoder_block_out_channels=(8, 8, 8),
        num_encoder_blocks=(1, 1, 1),
        num_decoder_blocks=(1, 1, 1),
    ).save_pretrained(folder)
    return {"path": str(folder)}


def save_dc(folder: Path) -> Config:
    from diffusers import AutoencoderDC

    shape = {"block_out_channels": (8, 8, 16, 16), "layers_per_block": (1, 1, 1, 1), "qkv_multiscales": ((),) * 4}
    halves = {f"{half}_{key}": value for half in ("encoder", "decoder") for key, value in shape.items()}
    AutoencoderDC(latent_channels=8, scaling_factor=0.41, **halves).save_pretrained(folder)
    return {"path": str(folder)}


def save_taef2(folder: Path) -> Config:
    folder.mkdir()
    torch.save(build_encoder().half().state_dict(), folder / "taef2_encoder.pth")
    torch.save(build_decoder().half().state_dict(), folder / "taef2_decoder.pth")
    return {"path": str(folder), "scale": 1.2, "shift": -0.1}


# One line a plugin: a small version of it, whose weights the test itself writes.
SMALL: dict[str, tuple[str, Callable[[Path], Config]]] = {
    "Identity": ("Identity", lambda _: {}),
    "Haar2": ("Haar", lambda _: {"factor": 2}),
    "Haar4": ("Haar", lambda _: {"factor": 4}),
    "Haar8": ("Haar", lambda _: {"factor": 8}),
    "AutoencoderKL": ("AutoencoderKL", save_kl),
    "AutoencoderKL_sample": ("AutoencoderKL", save_kl_sample),
    "AutoencoderTiny": ("AutoencoderTiny", save_tiny),
    "AutoencoderDC": ("AutoencoderDC", save_dc),
    "TAEF2": ("TAEF2", save_taef2),
}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Encoder]:
    patch_torchvision()
    folder = tmp_path_factory.mktemp("encoders")
    torch.manual_seed(0)
    return {key: ENCODERS.build({"type": name, **save(folder / key)}) for key, (name, save) in SMALL.items()}


@pytest.fixture(params=SMALL)
def encoder(request: pytest.FixtureRequest, built: dict[str, Encoder]) -> Encoder:
    return built[request.param]


def images(encoder: Encoder, batch: int = 2) -> Tensor:
    m = encoder.downscale
    return torch.rand(batch, 3, 2 * m, 3 * m, generator=torch.Generator().manual_seed(1))


def stream(batch: int = 2) -> ImageRng:
    return ImageRng(range(batch))


def test_every_plugin_has_a_small_version() -> None:
    ours = {name for name, cls in ENCODERS.module_dict.items() if cls.__module__.startswith("cfmrestore.")}
    assert ours == {name for name, _ in SMALL.values()}


# The checks


def check_shapes(encoder: Encoder) -> None:
    image = images(encoder)
    latent = encoder.encode(image, stream())
    height, width = (side // encoder.downscale for side in image.shape[-2:])
    assert latent.shape == (2, encoder.channels, height, width)
    assert latent.dtype == torch.float32
    assert encoder.decode(latent).shape == image.shape


def check_refuses_odd_sizes(encoder: Encoder) -> None:
    m = encoder.downscale
    for height, width in ((2 * m + 1, 2 * m), (2 * m, 3 * m - 1)):
        with pytest.raises(ValueError, match=f"multiples of {m}; got {height}x{width}"):
            encoder.encode(torch.rand(1, 3, height, width), stream(1))


def check_images_are_independent(encoder: Encoder) -> None:
    image = images(encoder, batch=3)
    moments = encoder.moments(image)
    assert torch.equal(moments, encoder.moments(image))
    for i in range(3):
        torch.testing.assert_close(moments[i : i + 1], encoder.moments(image[i : i + 1]), atol=1e-5, rtol=0)
    latent = encoder.sample(moments, stream(3))
    alone = encoder.sample(moments[2:], ImageRng([2]))
    torch.testing.assert_close(latent[2:], alone, atol=1e-5, rtol=0)


def check_encode_is_sample_of_moments(encoder: Encoder) -> None:
    image = images(encoder)
    torch.testing.assert_close(
        encoder.encode(image, stream()), encoder.sample(encoder.moments(image), stream()), atol=1e-5, rtol=0
    )


def check_needs_no_generator(encoder: Encoder) -> None:
    moments = encoder.moments(images(encoder))
    assert torch.equal(encoder.sample(moments, None), encoder.sample(moments, stream()))


def check_frozen(encoder: Encoder) -> None:
    encoder.train()
    assert not any(module.training for module in encoder.modules())
    assert not any(parameter.requires_grad for parameter in encoder.parameters())


def check_gradient_reaches_the_latent(encoder: Encoder) -> None:
    latent = encoder.encode(images(encoder), stream()).requires_grad_()
    encoder.decode(latent).sum().backward()
    assert latent.grad is not None
    assert latent.grad.abs().sum() > 0


def check_digest(encoder: Encoder) -> None:
    changed = copy.deepcopy(encoder)
    assert changed.digest() == encoder.digest()
    if weights := list(changed.parameters()):
        weights[-1].data.flatten()[-1] += 1e-3
        assert changed.digest() != encoder.digest()
    changed = copy.deepcopy(encoder)
    changed.scale = 3.0
    assert changed.digest() != encoder.digest()


def check_standardization(encoder: Encoder) -> None:
    raw = torch.randn(2, encoder.channels, 3, 4, generator=torch.Generator().manual_seed(2))
    standard = (raw - encoder.shift) * encoder.scale
    torch.testing.assert_close(encoder.raw(standard), raw, atol=1e-5, rtol=0)


def check_lossless(encoder: Encoder) -> None:
    image = images(encoder)
    torch.testing.assert_close(encoder.decode(encoder.encode(image)), image, atol=1e-6, rtol=0)


def check_orthonormal(encoder: Encoder) -> None:
    """Energy of the latent equals that of the image in [-1, 1], for every image."""
    image = images(encoder)
    energy = (2 * image - 1).square().sum(dim=(1, 2, 3))
    torch.testing.assert_close(encoder.encode(image).square().sum(dim=(1, 2, 3)), energy, rtol=1e-5, atol=0)


def is_random(encoder: Encoder) -> bool:
    return getattr(encoder, "posterior", "mode") == "sample"


def test_shapes(encoder: Encoder) -> None:
    check_shapes(encoder)


def test_refuses_odd_sizes(encoder: Encoder) -> None:
    if encoder.downscale == 1:
        pytest.skip("takes every size")
    check_refuses_odd_sizes(encoder)


def test_images_are_independent(encoder: Encoder) -> None:
    check_images_are_independent(encoder)


def test_encode_is_sample_of_moments(encoder: Encoder) -> None:
    check_encode_is_sample_of_moments(encoder)


def test_needs_no_generator(encoder: Encoder) -> None:
    if is_random(encoder):
        with pytest.raises(ValueError, match="needs an rng"):
            encoder.encode(images(encoder))
    else:
        check_needs_no_generator(encoder)


def test_frozen(encoder: Encoder) -> None:
    check_frozen(encoder)


def test_gradient_reaches_the_latent(encoder: Encoder) -> None:
    check_gradient_reaches_the_latent(encoder)


def test_digest(encoder: Encoder) -> None:
    check_digest(encoder)


def test_digests_differ(built: dict[str, Encoder]) -> None:
    assert len({encoder.digest() for encoder in built.values()}) == len(built)


def test_standardization(encoder: Encoder) -> None:
    check_standardization(encoder)


@pytest.mark.parametrize("key", ["Identity", "Haar2", "Haar4", "Haar8"])
def test_lossless_and_orthonormal(key: str, built: dict[str, Encoder]) -> None:
    check_lossless(built[key])
    check_orthonormal(built[key])


def test_card(encoder: Encoder) -> None:
    described = card(encoder, [images(encoder, batch=1)])
    assert described.channels == encoder.channels
    assert described.digest in str(described)


# What the checks must reject


class WrongDownscale(Identity):
    downscale = 2


class TakesOddSizes(Haar):
    def encode(self, image: Tensor, rng: ImageRng | None = None) -> Tensor:
        m = self.downscale
        return super().encode(image[..., : image.shape[-2] // m * m, : image.shape[-1] // m * m], rng)


class NormOverBatch(Identity):
    def moments(self, image: Tensor) -> Tensor:
        return image - image.mean()


class NoisyMoments(Identity):
    def moments(self, image: Tensor) -> Tensor:
        return image + torch.randn_like(image)


class OneDrawForTheBatch(Identity):
    def sample(self, moments: Tensor, rng: ImageRng | None = None) -> Tensor:
        noise = torch.randn(moments.shape, generator=torch.Generator().manual_seed(0))
        return super().sample(moments + noise)


class HiddenDraw(Identity):
    def sample(self, moments: Tensor, rng: ImageRng | None = None) -> Tensor:
        return super().sample(moments) + (0 if rng is None else rng.normal(*moments.shape[1:]))


class FlipsInEncode(Haar):
    def encode(self, image: Tensor, rng: ImageRng | None = None) -> Tensor:
        return super().encode(image.flip(-1), rng)


class Thawed(Identity):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(1, 1)

    def train(self, mode: bool = True) -> "Thawed":
        return nn.Module.train(self, mode)


class CutsGradient(Identity):
    def decode(self, latent: Tensor) -> Tensor:
        return super().decode(latent.detach() + 0 * latent)


class DigestOfNames(Thawed):
    def digest(self) -> str:
        return " ".join(self.state_dict())


class OneSidedShift(Identity):
    def raw(self, latent: Tensor) -> Tensor:
        return (latent + self.shift) / self.scale


class HaarWithoutHalf(Haar):
    """Sums and differences without the factor 1/2, undone in decode: lossless, but twice too long a level."""

    def sample(self, moments: Tensor, rng: object = None) -> Tensor:
        return super().sample(moments) * self.downscale

    def decode(self, latent: Tensor) -> Tensor:
        return super().decode(latent / self.downscale)


class LossyHaar(Haar):
    """The last band, the finest detail, is dropped."""

    def sample(self, moments: Tensor, rng: object = None) -> Tensor:
        latent = super().sample(moments).clone()
        latent[:, -1] = 0
        return latent


@pytest.mark.parametrize(
    ("check", "broken"),
    [
        (check_shapes, WrongDownscale),
        (check_refuses_odd_sizes, TakesOddSizes),
        (check_images_are_independent, NormOverBatch),
        (check_images_are_independent, NoisyMoments),
        (check_images_are_independent, OneDrawForTheBatch),
        (check_encode_is_sample_of_moments, FlipsInEncode),
        (check_needs_no_generator, HiddenDraw),
        (check_frozen, Thawed),
        (check_gradient_reaches_the_latent, CutsGradient),
        (check_digest, DigestOfNames),
        (check_standardization, OneSidedShift),
        (check_lossless, LossyHaar),
        (check_orthonormal, LossyHaar),
        (check_orthonormal, HaarWithoutHalf),
    ],
    ids=lambda value: value.__name__,
)
def test_check_rejects(check: Callable[[Encoder], None], broken: type[Encoder]) -> None:
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        check(broken())


def test_haar_without_half_is_still_lossless() -> None:
    """So that orthonormality is what rejects it."""
    check_lossless(HaarWithoutHalf())
