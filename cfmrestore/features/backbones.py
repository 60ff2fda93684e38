"""Feature maps of torchvision's classifiers, by which perceptual distances are defined."""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from cfmrestore._compat import patch_torchvision
from cfmrestore.hub import check_weights, find_file, read_weights

_MIRROR = "https://download.pytorch.org/models"


class _Kind(NamedTuple):
    model: str
    file: str
    taps: tuple[int, ...]
    channels: tuple[int, ...]


KINDS = {
    "alex": _Kind("alexnet", "alexnet-owt-7be5be79.pth", (1, 4, 7, 9, 11), (64, 192, 384, 256, 256)),
    "vgg": _Kind("vgg16", "vgg16-397923af.pth", (3, 8, 15, 22, 29), (64, 128, 256, 512, 512)),
    "squeeze": _Kind(
        "squeezenet1_1", "squeezenet1_1-b8a52dc0.pth", (1, 4, 7, 9, 10, 11, 12), (64, 128, 256, 384, 384, 512, 512)
    ),
}
"""torchvision's name, the file of its weights, after which of its layers a map is taken, and the map's channels."""

RANDOM = "random"
"""Instead of a file: seeded random weights, for tests and smoke runs."""


class Backbone(nn.Module):
    """The feature maps of AlexNet, VGG16 or SqueezeNet 1.1, after the last ReLU (or fire module) of each stage.

    Args:
        net: "alex", "vgg" or "squeeze".
        weights: File with torchvision's weights of that network (``alexnet-owt-7be5be79.pth``,
            ``vgg16-397923af.pth`` or ``squeezenet1_1-b8a52dc0.pth``), or its folder; None is torch's cache, and
            "random" seeded random weights.
        pool: Makes what stands in for each pooling layer.
        seed: Seed of random weights.
    """

    def __init__(
        self,
        net: str,
        weights: str | Path | None,
        *,
        pool: Callable[[], nn.Module] | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__()
        if net not in KINDS:
            raise ValueError(f"net must be one of {', '.join(map(repr, KINDS))}; got {net!r}")
        self.taps, self.channels = KINDS[net].taps, KINDS[net].channels
        self.features = _layers(net)
        if weights == RANDOM:
            _randomize(self.features, seed)
        else:
            mirrors = () if weights else (f"{_MIRROR}/{KINDS[net].file}",)
            file = find_file(weights, KINDS[net].file, purpose=f"the backbone {net!r}", mirrors=mirrors)
            loaded, expected = read_weights(file), self.state_dict()
            check_weights(loaded, expected, file)
            self.load_state_dict({name: loaded[name] for name in expected})
        if pool is not None:
            for name, layer in self.features.named_children():
                if isinstance(layer, nn.MaxPool2d):
                    self.features[int(name)] = pool()
        self.requires_grad_(False).eval()

    def forward(self, x: Float[Tensor, "b 3 _ _"]) -> list[Float[Tensor, "b _ _ _"]]:
        """The maps of an image that is normalized already."""
        maps = []
        for index, layer in enumerate(self.features):
            x = layer(x)
            if index in self.taps:
                maps.append(x)
        return maps


def _layers(net: str) -> nn.Sequential:
    """The convolutional part; the classifier, with most of the weights, never gets memory."""
    patch_torchvision()
    models = import_module("torchvision.models")
    with torch.device("meta"):
        features = getattr(models, KINDS[net].model)(weights=None).features
    return nn.Sequential(*list(features)[: KINDS[net].taps[-1] + 1]).to_empty(device="cpu")


def _randomize(network: nn.Module, seed: int) -> None:
    """Kaiming's normal law for the weights, zero for the biases."""
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in network.named_parameters():
        if name.endswith("bias"):
            nn.init.zeros_(parameter)
        else:
            nn.init.kaiming_normal_(parameter, nonlinearity="relu", generator=generator)
