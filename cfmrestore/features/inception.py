"""The Inception v3 of the Fréchet inception distance."""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, TypeAlias

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from cfmrestore._compat import patch_torchvision
from cfmrestore.features.base import Extractor
from cfmrestore.hub import check_weights, find_file, read_weights
from cfmrestore.registry import FEATURES
from cfmrestore.typing import Image

WEIGHTS = "pt_inception-2015-12-05-6726825d.pth"
"""TensorFlow's weights of 2015-12-05 for torch, as released with the package pytorch-fid."""

_MIRROR = f"https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/{WEIGHTS}"
_SIDE = 299

Maps: TypeAlias = Float[Tensor, "b _ _ _"]


@FEATURES.register_module()
class InceptionV3(Extractor):
    r"""TensorFlow's network of 2015 with 1008 classes, by which FID, KID and the Inception score are defined.

    It differs from torchvision's: average pooling does not count the padding, and the last block pools its maximum. An
    image is resized to 299x299 bilinearly, without a filter against aliasing, and scaled to [-1, 1]. The names of the
    weights are those of torchvision.

    Reference: Szegedy et al., 2016 (arXiv:1512.00567); Heusel et al., 2017 (arXiv:1706.08500).
    """

    dim = 2048
    fc: nn.Linear

    def __init__(self) -> None:
        super().__init__()
        patch_torchvision()
        blocks = import_module("torchvision.models.inception")

        def patched(block: type, forward: Callable[[Any, Maps], Maps]) -> type:
            return type(block.__name__, (block,), {"forward": forward})

        a, c = patched(blocks.InceptionA, _forward_a), patched(blocks.InceptionC, _forward_c)
        e = patched(blocks.InceptionE, _forward_e)
        kinds = [blocks.BasicConv2d, a, blocks.InceptionB, c, blocks.InceptionD, e, blocks.InceptionAux]
        network = blocks.Inception3(1008, aux_logits=False, inception_blocks=kinds, init_weights=False)
        for name, layer in network.named_children():
            if name not in ("avgpool", "dropout"):
                self.add_module(name, layer)
        self.freeze()

    @classmethod
    def load(cls, weights: str | Path | None = None) -> "InceptionV3":
        return inception(weights)

    def forward(self, image: Image) -> Float[Tensor, "b 2048"]:
        """The third pooling layer's features of images in [0, 1]."""
        x = 2 * F.interpolate(image, size=(_SIDE, _SIDE), mode="bilinear", align_corners=False) - 1
        for layer in list(self.children())[:-1]:
            x = layer(x)
        return x.mean(dim=(-2, -1))

    def probabilities(self, features: Float[Tensor, "b 2048"]) -> Float[Tensor, "b 1008"]:
        """Softmax of the logits without their bias, which the code of the Inception score left out."""
        return F.linear(features, self.fc.weight).softmax(dim=1)


def inception(path: str | Path | None = None, *, sha256: str | None = None) -> InceptionV3:
    """The network with its published weights.

    Args:
        path: The file ``pt_inception-2015-12-05-6726825d.pth`` or its folder; without it, torch's cache, to which the
            file is downloaded if it is not there.
        sha256: Checksum of the file.
    """
    purpose, mirrors = "the Inception network of FID, KID and the Inception score", () if path else (_MIRROR,)
    file = find_file(path, WEIGHTS, purpose=purpose, mirrors=mirrors, sha256=sha256)
    weights = read_weights(file, sha256=sha256)
    with torch.device("meta"):
        network = InceptionV3()
    # The counters of batch normalization are missing in old files; they mean nothing in evaluation.
    expected = {name: value for name, value in network.state_dict().items() if not name.endswith("num_batches_tracked")}
    check_weights(weights, expected, file)
    counters = {name: torch.tensor(0) for name in network.state_dict().keys() - expected.keys()}
    network.to_empty(device="cpu").load_state_dict({name: weights[name] for name in expected} | counters)
    return network


def _average(x: Maps) -> Maps:
    return F.avg_pool2d(x, 3, stride=1, padding=1, count_include_pad=False)


def _forward_a(self: Any, x: Maps) -> Maps:
    five = self.branch5x5_2(self.branch5x5_1(x))
    three = self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(x)))
    return torch.cat([self.branch1x1(x), five, three, self.branch_pool(_average(x))], dim=1)


def _forward_c(self: Any, x: Maps) -> Maps:
    single = self.branch7x7_3(self.branch7x7_2(self.branch7x7_1(x)))
    double = self.branch7x7dbl_3(self.branch7x7dbl_2(self.branch7x7dbl_1(x)))
    double = self.branch7x7dbl_5(self.branch7x7dbl_4(double))
    return torch.cat([self.branch1x1(x), single, double, self.branch_pool(_average(x))], dim=1)


def _forward_e(self: Any, x: Maps) -> Maps:
    """The last block of the network pools its maximum."""
    single, double = self.branch3x3_1(x), self.branch3x3dbl_2(self.branch3x3dbl_1(x))
    forks = (
        self.branch3x3_2a(single),
        self.branch3x3_2b(single),
        self.branch3x3dbl_3a(double),
        self.branch3x3dbl_3b(double),
    )
    last = self.branch1x1.conv.in_channels == 2048
    pooled = F.max_pool2d(x, 3, stride=1, padding=1) if last else _average(x)
    return torch.cat([self.branch1x1(x), *forks, self.branch_pool(pooled)], dim=1)
