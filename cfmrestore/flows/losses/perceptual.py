"""The distance of the restored image from the target in the features of a network."""

from pathlib import Path

import torch
from torch import Tensor, nn

from cfmrestore.features import Extractor
from cfmrestore.flows.losses.base import PictureLoss, Prediction, shifted
from cfmrestore.hub import read_weights
from cfmrestore.ops.rng import ImageRng
from cfmrestore.registry import FEATURES, LOSSES
from cfmrestore.typing import Image, PerImage

_LPIPS = ("vgg", "alex", "squeeze")


@LOSSES.register_module()
class Perceptual(PictureLoss):
    r"""LPIPS of the decoded :math:`E[x_1 | x_t]`, where the time is late enough for it to be sharp.

    With ``steps`` it is that of what a flow map makes of the start of the path in so many steps.

    In the features of an extractor, such as EfficientNet-Lite0's, the distance is :meth:`Extractor.distance`, which is
    not fitted to what people see.

    Reference: Zhang et al., 2018 (arXiv:1801.03924).

    Args:
        backbone: File with torchvision's weights of the network (``vgg16-397923af.pth``,
            ``alexnet-owt-7be5be79.pth`` or ``squeezenet1_1-b8a52dc0.pth``), or "random" for seeded random weights. An
            extractor needs none: it finds its own.
        net: "vgg", "alex" or "squeeze"; or a feature extractor: "EfficientNetLite".
        after: Earliest time that counts.
        steps: Steps of a flow map; None takes the mean given x_t, and 0 one step whose dial stands anywhere, where the
            loss counts as much as the share of the way.
        shift: Look at windows of both images that are so many pixels smaller, at a place drawn anew for each batch. A
            network that strides sees some pixels more than others, and what is trained learns where they lie: it draws
            dots.
        weight: Factor on it in the sum of losses.
    """

    def __init__(
        self,
        *,
        backbone: str | None = None,
        net: str = "vgg",
        after: float = 0.0,
        steps: int | None = None,
        shift: int = 0,
        weight: float = 1.0,
    ) -> None:
        super().__init__(steps=steps, weight=weight)
        self.after = after
        if shift < 0:
            raise ValueError(f"shift is a number of pixels; got {shift}")
        self.shift = shift
        self.network = _lpips(net, backbone) if net in _LPIPS else _extractor(net, backbone)

    @property
    def frozen(self) -> nn.Module:
        return self.network

    def __call__(self, prediction: Prediction) -> PerImage:
        distance = super().__call__(prediction)
        if self.steps is not None:
            return distance if self.steps else prediction.share.to(distance) * distance
        late = prediction.t >= self.after
        return torch.where(late.to(distance.device, non_blocking=True), distance, torch.zeros_like(distance))

    def compare(self, image: Image, target: Image, rng: ImageRng) -> PerImage:
        image, target = (shifted(one, rng, self.shift) for one in (image, target))
        if isinstance(self.network, Extractor):
            return self.network.distance(image, target)
        distance: PerImage = self.network(image, target, normalize=True).flatten()
        return distance


def _extractor(name: str, weights: str | None) -> Extractor:
    kind = FEATURES.get(name)
    if kind is None:
        raise ValueError(f"net is {', '.join(_LPIPS)}, or a feature extractor; got {name!r}")
    network: Extractor = kind.load(weights)
    return network


def _lpips(net: str, backbone: str | None) -> nn.Module:
    if backbone is None:
        raise ValueError(f"the perceptual loss in {net!r} needs backbone: the file of its weights, or 'random'")
    from cfmrestore._compat import patch_torchvision

    patch_torchvision()
    import lpips

    with torch.random.fork_rng():
        torch.manual_seed(0)
        network: nn.Module = lpips.LPIPS(net=net, pnet_rand=True, verbose=False)
    if backbone != "random":
        _load_backbone(network, backbone)
    return network.requires_grad_(False).eval()


def _load_backbone(network: nn.Module, file: str) -> None:
    """Copy torchvision's ``features.N.*`` into the slices, whose layers keep the number N as their name."""
    if not Path(file).is_file():
        raise ValueError(
            f"the perceptual loss needs its backbone's weights, and there is no file {file!r}: download torchvision's "
            "weights of that network and set backbone to the file"
        )
    weights: dict[str, Tensor] = read_weights(Path(file))
    own = dict(network.net.named_parameters())  # type: ignore[union-attr]
    for name, parameter in own.items():
        _, layer, *rest = name.split(".")
        source = weights.get(".".join(["features", layer, *rest]))
        if source is None or source.shape != parameter.shape:
            raise ValueError(f"{file!r} holds no weights of this network: 'features.{layer}' is missing or misshapen")
        parameter.data.copy_(source)
