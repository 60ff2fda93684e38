"""What every registered encoder promises; each check names a broken encoder that it must reject."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

import cfmrestore.encoders  # noqa: F401
from cfmrestore._compat import patch_torchvision
from cfmrestore.contracts.encoders import (
    CONTRACT,
    check_affine,
    check_digest,
    check_encode_is_sample_of_moments,
    check_frozen,
    check_gradient_reaches_the_latent,
    check_images_are_independent,
    check_needs_no_generator,
    check_refuses_odd_sizes,
    check_shapes,
    check_standardization,
    images,
)
from cfmrestore.encoders import Encoder, Haar, Identity, card
from cfmrestore.encoders.taef2 import build_decoder, build_encoder
from cfmrestore.ops.rng import ImageRng
from cfmrestore.plugins import ContractError
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


def test_every_plugin_has_a_small_version() -> None:
    ours = {name for name, cls in ENCODERS.module_dict.items() if cls.__module__.startswith("cfmrestore.")}
    of_a_training = {"TrainedAutoencoder"}  # tests/autoencoders trains one
    assert ours - of_a_training == {name for name, _ in SMALL.values()}


def check_lossless(encoder: Encoder) -> None:
    image = images(encoder)
    torch.testing.assert_close(encoder.decode(encoder.encode(image)), image, atol=1e-6, rtol=0)


def check_orthonormal(encoder: Encoder) -> None:
    """Energy of the latent equals that of the image in [-1, 1], for every image."""
    image = images(encoder)
    energy = (2 * image - 1).square().sum(dim=(1, 2, 3))
    torch.testing.assert_close(encoder.encode(image).square().sum(dim=(1, 2, 3)), energy, rtol=1e-5, atol=0)


@pytest.mark.parametrize("check", CONTRACT.checks)
def test_contract(encoder: Encoder, check: Callable[[Encoder], object]) -> None:
    check(encoder)


def test_what_draws_needs_a_generator(built: dict[str, Encoder]) -> None:
    encoder = built["AutoencoderKL_sample"]
    with pytest.raises(ValueError, match="needs an rng"):
        encoder.encode(images(encoder))


def test_digests_differ(built: dict[str, Encoder]) -> None:
    assert len({encoder.digest() for encoder in built.values()}) == len(built)


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


class Bent(Identity):
    """Says that decode is linear."""

    def decode(self, latent: Tensor) -> Tensor:
        return torch.sigmoid(super().decode(latent))


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
        (check_affine, Bent),
        (check_lossless, LossyHaar),
        (check_orthonormal, LossyHaar),
        (check_orthonormal, HaarWithoutHalf),
    ],
    ids=lambda value: value.__name__,
)
def test_check_rejects(check: Callable[[Encoder], None], broken: type[Encoder]) -> None:
    with pytest.raises((AssertionError, ContractError)):
        check(broken())


def test_haar_without_half_is_still_lossless() -> None:
    """So that orthonormality is what rejects it."""
    check_lossless(HaarWithoutHalf())
