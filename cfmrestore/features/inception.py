"""The Inception v3 of the Fréchet inception distance."""

from pathlib import Path
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from cfmrestore.features.base import Extractor
from cfmrestore.hub import check_weights, find_file, read_weights
from cfmrestore.registry import FEATURES
from cfmrestore.typing import Image

WEIGHTS = "pt_inception-2015-12-05-6726825d.pth"
"""TensorFlow's weights of 2015-12-05 for torch, as released with the package pytorch-fid."""

_MIRROR = f"https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/{WEIGHTS}"
_SIDE = 299
_EPS = 0.001


@FEATURES.register_module()
class InceptionV3(Extractor):
    r"""TensorFlow's network of 2015 with 1008 classes, by which FID, KID and the Inception score are defined.

    It differs from torchvision's: average pooling does not count the padding, and the last block pools its maximum. An
    image is resized to 299x299 bilinearly, without a filter against aliasing, and scaled to [-1, 1]. The names of the
    weights are those of torchvision.

    Reference: Szegedy et al., 2016 (arXiv:1512.00567); Heusel et al., 2017 (arXiv:1706.08500).
    """

    dim: ClassVar[int] = 2048

    def __init__(self) -> None:
        super().__init__()
        self.Conv2d_1a_3x3 = _Conv(3, 32, 3, stride=2)
        self.Conv2d_2a_3x3 = _Conv(32, 32, 3)
        self.Conv2d_2b_3x3 = _Conv(32, 64, 3, padding=1)
        self.Conv2d_3b_1x1 = _Conv(64, 80, 1)
        self.Conv2d_4a_3x3 = _Conv(80, 192, 3)
        self.Mixed_5b = _MixedA(192, pool=32)
        self.Mixed_5c = _MixedA(256, pool=64)
        self.Mixed_5d = _MixedA(288, pool=64)
        self.Mixed_6a = _MixedB(288)
        self.Mixed_6b = _MixedC(768, middle=128)
        self.Mixed_6c = _MixedC(768, middle=160)
        self.Mixed_6d = _MixedC(768, middle=160)
        self.Mixed_6e = _MixedC(768, middle=192)
        self.Mixed_7a = _MixedD(768)
        self.Mixed_7b = _MixedE(1280)
        self.Mixed_7c = _MixedE(2048, last=True)
        self.fc = nn.Linear(2048, 1008)
        self.freeze()

    @classmethod
    def load(cls, weights: str | Path | None = None) -> "InceptionV3":
        return inception(weights)

    def forward(self, image: Image) -> Float[Tensor, "b 2048"]:
        """The third pooling layer's features of images in [0, 1]."""
        x = 2 * F.interpolate(image, size=(_SIDE, _SIDE), mode="bilinear", align_corners=False) - 1
        x = self.Conv2d_2b_3x3(self.Conv2d_2a_3x3(self.Conv2d_1a_3x3(x)))
        x = F.max_pool2d(x, 3, stride=2)
        x = self.Conv2d_4a_3x3(self.Conv2d_3b_1x1(x))
        x = F.max_pool2d(x, 3, stride=2)
        x = self.Mixed_5d(self.Mixed_5c(self.Mixed_5b(x)))
        x = self.Mixed_6e(self.Mixed_6d(self.Mixed_6c(self.Mixed_6b(self.Mixed_6a(x)))))
        x = self.Mixed_7c(self.Mixed_7b(self.Mixed_7a(x)))
        return x.mean(dim=(-2, -1))

    def logits(self, features: Float[Tensor, "b 2048"]) -> Float[Tensor, "b 1008"]:
        """The classifier on top of the features."""
        return self.fc(features)

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
    network.to_empty(device="cpu")
    network.load_state_dict({name: weights[name] for name in expected}, strict=False)
    for name, counter in network.named_buffers():
        if name.endswith("num_batches_tracked"):
            counter.zero_()
    return network


class _Conv(nn.Module):
    """Convolution, batch normalization, ReLU."""

    def __init__(
        self,
        channels: int,
        width: int,
        kernel: int | tuple[int, int],
        *,
        stride: int = 1,
        padding: int | tuple[int, int] = 0,
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, width, kernel, stride=stride, padding=padding, bias=False)
        self.bn = nn.BatchNorm2d(width, eps=_EPS)

    def forward(self, x: Float[Tensor, "b _ _ _"]) -> Float[Tensor, "b _ _ _"]:
        return F.relu(self.bn(self.conv(x)))


def _row(channels: int, width: int, length: int) -> _Conv:
    return _Conv(channels, width, (1, length), padding=(0, length // 2))


def _column(channels: int, width: int, length: int) -> _Conv:
    return _Conv(channels, width, (length, 1), padding=(length // 2, 0))


def _average(x: Float[Tensor, "b _ _ _"]) -> Float[Tensor, "b _ _ _"]:
    return F.avg_pool2d(x, 3, stride=1, padding=1, count_include_pad=False)


class _MixedA(nn.Module):
    """35x35: one convolution, a 5x5, two 3x3, and a pool."""

    def __init__(self, channels: int, *, pool: int) -> None:
        super().__init__()
        self.branch1x1 = _Conv(channels, 64, 1)
        self.branch5x5_1 = _Conv(channels, 48, 1)
        self.branch5x5_2 = _Conv(48, 64, 5, padding=2)
        self.branch3x3dbl_1 = _Conv(channels, 64, 1)
        self.branch3x3dbl_2 = _Conv(64, 96, 3, padding=1)
        self.branch3x3dbl_3 = _Conv(96, 96, 3, padding=1)
        self.branch_pool = _Conv(channels, pool, 1)

    def forward(self, x: Float[Tensor, "b _ _ _"]) -> Float[Tensor, "b _ _ _"]:
        five = self.branch5x5_2(self.branch5x5_1(x))
        three = self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(x)))
        return torch.cat([self.branch1x1(x), five, three, self.branch_pool(_average(x))], dim=1)


class _MixedB(nn.Module):
    """From 35x35 to 17x17."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.branch3x3 = _Conv(channels, 384, 3, stride=2)
        self.branch3x3dbl_1 = _Conv(channels, 64, 1)
        self.branch3x3dbl_2 = _Conv(64, 96, 3, padding=1)
        self.branch3x3dbl_3 = _Conv(96, 96, 3, stride=2)

    def forward(self, x: Float[Tensor, "b _ _ _"]) -> Float[Tensor, "b _ _ _"]:
        double = self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(x)))
        return torch.cat([self.branch3x3(x), double, F.max_pool2d(x, 3, stride=2)], dim=1)


class _MixedC(nn.Module):
    """17x17: convolutions of seven rows and columns in turn."""

    def __init__(self, channels: int, *, middle: int) -> None:
        super().__init__()
        self.branch1x1 = _Conv(channels, 192, 1)
        self.branch7x7_1 = _Conv(channels, middle, 1)
        self.branch7x7_2 = _row(middle, middle, 7)
        self.branch7x7_3 = _column(middle, 192, 7)
        self.branch7x7dbl_1 = _Conv(channels, middle, 1)
        self.branch7x7dbl_2 = _column(middle, middle, 7)
        self.branch7x7dbl_3 = _row(middle, middle, 7)
        self.branch7x7dbl_4 = _column(middle, middle, 7)
        self.branch7x7dbl_5 = _row(middle, 192, 7)
        self.branch_pool = _Conv(channels, 192, 1)

    def forward(self, x: Float[Tensor, "b _ _ _"]) -> Float[Tensor, "b _ _ _"]:
        single = self.branch7x7_3(self.branch7x7_2(self.branch7x7_1(x)))
        double = self.branch7x7dbl_3(self.branch7x7dbl_2(self.branch7x7dbl_1(x)))
        double = self.branch7x7dbl_5(self.branch7x7dbl_4(double))
        return torch.cat([self.branch1x1(x), single, double, self.branch_pool(_average(x))], dim=1)


class _MixedD(nn.Module):
    """From 17x17 to 8x8."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.branch3x3_1 = _Conv(channels, 192, 1)
        self.branch3x3_2 = _Conv(192, 320, 3, stride=2)
        self.branch7x7x3_1 = _Conv(channels, 192, 1)
        self.branch7x7x3_2 = _row(192, 192, 7)
        self.branch7x7x3_3 = _column(192, 192, 7)
        self.branch7x7x3_4 = _Conv(192, 192, 3, stride=2)

    def forward(self, x: Float[Tensor, "b _ _ _"]) -> Float[Tensor, "b _ _ _"]:
        three = self.branch3x3_2(self.branch3x3_1(x))
        seven = self.branch7x7x3_4(self.branch7x7x3_3(self.branch7x7x3_2(self.branch7x7x3_1(x))))
        return torch.cat([three, seven, F.max_pool2d(x, 3, stride=2)], dim=1)


class _MixedE(nn.Module):
    """8x8: branches that fork once more; the last one of the network pools its maximum."""

    def __init__(self, channels: int, *, last: bool = False) -> None:
        super().__init__()
        self.last = last
        self.branch1x1 = _Conv(channels, 320, 1)
        self.branch3x3_1 = _Conv(channels, 384, 1)
        self.branch3x3_2a = _row(384, 384, 3)
        self.branch3x3_2b = _column(384, 384, 3)
        self.branch3x3dbl_1 = _Conv(channels, 448, 1)
        self.branch3x3dbl_2 = _Conv(448, 384, 3, padding=1)
        self.branch3x3dbl_3a = _row(384, 384, 3)
        self.branch3x3dbl_3b = _column(384, 384, 3)
        self.branch_pool = _Conv(channels, 192, 1)

    def forward(self, x: Float[Tensor, "b _ _ _"]) -> Float[Tensor, "b _ _ _"]:
        single = self.branch3x3_1(x)
        double = self.branch3x3dbl_2(self.branch3x3dbl_1(x))
        forks = [
            self.branch3x3_2a(single),
            self.branch3x3_2b(single),
            self.branch3x3dbl_3a(double),
            self.branch3x3dbl_3b(double),
        ]
        pooled = F.max_pool2d(x, 3, stride=1, padding=1) if self.last else _average(x)
        return torch.cat([self.branch1x1(x), *forks, self.branch_pool(pooled)], dim=1)
