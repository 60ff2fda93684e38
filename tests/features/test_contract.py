"""What every feature extractor promises."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from cfmrestore.contracts.features import (
    CONTRACT,
    LARGE,
    SMALL,
    check_digest,
    check_features,
    check_frozen,
    check_gradients,
    check_probabilities,
)
from cfmrestore.features import (
    AlexNet,
    CLIPImageEncoder,
    EfficientNetLite,
    Extractor,
    InceptionV3,
    SeededNet,
)
from cfmrestore.plugins import ContractError
from cfmrestore.registry import FEATURES

FEATURES.import_from_location()
BACKBONES = ("AlexNet", "SqueezeNet", "VGG16")


def build(name: str) -> Extractor:
    """A network of that name; Inception's file is not shipped, its layers are."""
    torch.manual_seed(0)
    if name == "CLIPImageEncoder":
        return CLIPImageEncoder(tiny_clip())
    return InceptionV3() if name == "InceptionV3" else FEATURES.get(name).load("random" if name in BACKBONES else None)


def tiny_clip(**keys: int) -> nn.Module:
    """A CLIP of random weights, whose image is as large as that of a published one."""
    transformers = pytest.importorskip("transformers")
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2, **keys}
    config = transformers.CLIPVisionConfig(projection_dim=24, image_size=224, patch_size=32, **sizes)
    return transformers.CLIPVisionModelWithProjection(config)


TRAINED = {"AvatarClassifier", "DigitClassifier", "SceneSegmenter"}  # here, in some seconds
NAMES = [pytest.param(n, marks=pytest.mark.slow if n in TRAINED else ()) for n in sorted(FEATURES.module_dict)]


@pytest.mark.parametrize("name", NAMES)
def test_contract(name: str) -> None:
    network = build(name)
    for check in CONTRACT.checks:
        check(network)
    digest = network.digest()
    assert digest == build(name).digest()
    next(network.parameters()).data[0] += 1
    assert digest != network.digest()


class OfTheBatch(SeededNet):
    """Features less their mean over the batch."""

    def forward(self, image: Tensor) -> Tensor:
        features = super().forward(image)
        return features - features.mean(dim=0)


class Unscaled(SeededNet):
    """Logits instead of probabilities."""

    def probabilities(self, features: Tensor) -> Tensor:
        return self.classifier(features)


class Trained(SeededNet):
    """Weights that an optimizer would change."""

    def freeze(self) -> None:
        self.eval()


class Nameless(SeededNet):
    """A digest of names, not of numbers."""

    def digest(self) -> str:
        return " ".join(self.state_dict())


class Detached(SeededNet):
    """No gradient reaches the image."""

    def forward(self, image: Tensor) -> Tensor:
        return super().forward(image.detach()).requires_grad_()


@pytest.mark.parametrize(
    ("check", "mutant"),
    [
        (check_features, OfTheBatch),
        (check_probabilities, Unscaled),
        (check_frozen, Trained),
        (check_gradients, Detached),
        (check_digest, Nameless),
    ],
)
def test_contract_rejects_its_mutants(check, mutant: type[Extractor]) -> None:
    with pytest.raises(ContractError):
        check(mutant())


@pytest.mark.parametrize("kind", [EfficientNetLite, SeededNet])
def test_distance(kind: type[Extractor]) -> None:
    network = kind.load()
    noise = torch.randn(LARGE.shape, generator=torch.Generator().manual_seed(1))
    distances = [network.distance(LARGE, (LARGE + sigma * noise).clamp(0, 1)) for sigma in (0.0, 0.02, 0.2)]
    assert torch.equal(distances[0], torch.zeros(3))
    assert (distances[1] < distances[2]).all()
    assert (distances[1] > 0).all()
    # By hand: 2 - 2 cos of the features at each place, the mean over places, then over depths.
    pairs = zip(network.maps(LARGE), network.maps(LARGE.flip(0)), strict=True)
    cosines = [nn.functional.cosine_similarity(a, b, dim=1).mean(dim=(1, 2)) for a, b in pairs]
    expected = 2 - 2 * torch.stack(cosines).mean(dim=0)
    assert torch.allclose(network.distance(LARGE, LARGE.flip(0)), expected, atol=1e-4)
    x = LARGE.clone().requires_grad_()
    network.distance(x, LARGE.flip(0)).sum().backward()
    assert x.grad.isfinite().all()
    assert x.grad.abs().sum() > 0
    with pytest.raises(ValueError, match="images of one size"):
        network.distance(LARGE, SMALL)


def test_what_has_no_maps_says_so() -> None:
    with pytest.raises(ValueError, match="InceptionV3 gives no feature maps"):
        build("InceptionV3").distance(LARGE, LARGE)
    with pytest.raises(ValueError, match=r"no file of weights; got 'a\.pth'"):
        SeededNet.load("a.pth")
    with pytest.raises(ValueError, match="AlexNet gives no probabilities of classes"):
        build("AlexNet").probabilities(torch.zeros(1, 1152))


@pytest.mark.parametrize("name", BACKBONES)
def test_a_backbone_is_scaled_as_lpips_and_pooled(name: str) -> None:
    network = build(name)
    shift, scale = (torch.tensor(v)[:, None, None] for v in ((-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)))
    maps = network.backbone((2 * LARGE - 1 - shift) / scale)
    assert torch.allclose(network(LARGE), torch.cat([y.mean(dim=(2, 3)) for y in maps], dim=1), atol=1e-5)
    assert network.dim == {"AlexNet": 1152, "SqueezeNet": 2240, "VGG16": 1472}[name]
    with pytest.raises(ValueError, match="nowhere"):
        AlexNet.load("nowhere.pth")


def test_clip_is_read_from_a_folder(tmp_path: Path) -> None:
    torch.manual_seed(3)
    network = tiny_clip().eval()
    network.save_pretrained(tmp_path)
    found = CLIPImageEncoder.load(tmp_path)
    assert (found.dim, found.side) == (24, 224)
    square = torch.rand(2, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    mean = torch.tensor([0.48145466, 0.4578275, 0.40821073])[:, None, None]
    std = torch.tensor([0.26862954, 0.26130258, 0.27577711])[:, None, None]
    expected = network(pixel_values=(square - mean) / std).image_embeds
    assert torch.allclose(found(square), expected, atol=1e-5)
    coarse = square.repeat_interleave(3, 2).repeat_interleave(3, 3)  # shrunk without a filter it would be ``square``
    assert (found(coarse) - expected).abs().max() > 1e-6
    for place, message in ((None, "needs weights"), (tmp_path / "nothing", "needs weights: a folder.*nothing")):
        with pytest.raises(ValueError, match=message):
            CLIPImageEncoder.load(place)
    tiny_clip(num_hidden_layers=1).save_pretrained(tmp_path / "half")
    (tmp_path / "half/config.json").write_text((tmp_path / "config.json").read_text())
    with pytest.raises(ValueError, match="is not whole: it lacks"):
        CLIPImageEncoder.load(tmp_path / "half")
