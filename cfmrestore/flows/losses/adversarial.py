"""What a discriminator, which learns beside the flow, finds in restored pictures and in no original."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from cfmrestore.flows.losses.base import PictureLoss, Prediction, per_image
from cfmrestore.ops.gather import average_gradients
from cfmrestore.ops.rng import ImageRng
from cfmrestore.registry import LOSSES
from cfmrestore.typing import Image, PerImage, Planes

_GAIN = 8.0  # what a picture adds to its input is an eighth as large as the picture, or less
_SLOPE = 0.2
_CLIP = 5.0


class PatchDiscriminator(nn.Module):
    """A number at every fourth pixel: how much what lies around it looks like an original, given the input.

    Args:
        channels: At the size of the picture; below it twice as many.
    """

    def __init__(self, channels: int = 32) -> None:
        super().__init__()
        widths = (6, channels, channels, 2 * channels, 2 * channels, 2 * channels, 1)
        kernels = ((3, 1), (4, 2), (3, 1), (4, 2), (3, 1), (3, 1))  # with their strides
        with torch.random.fork_rng():
            torch.manual_seed(0)
            layers = [
                nn.Conv2d(c, d, kernel, stride, padding=1)
                for c, d, (kernel, stride) in zip(widths, widths[1:], kernels, strict=False)
            ]
            for layer in layers:
                nn.init.kaiming_normal_(layer.weight, a=_SLOPE)
        self.layers = nn.ModuleList(layers)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, image: Image, given: Image) -> Planes:
        x = torch.cat([_GAIN * (image - given), 2 * given - 1], dim=1).contiguous(memory_format=torch.channels_last)
        for layer in self.layers[:-1]:
            x = F.leaky_relu(layer(x), _SLOPE)
        return self.layers[-1](x)


@LOSSES.register_module()
class Adversarial(PictureLoss):
    r"""How much less a restored picture looks like an original than its target does, to a network that learns to tell.

    With :math:`\hat x` restored of the input y, the target x, and :math:`\sigma(z) = \log(1 + e^z)`,

    .. math::
        L = E\, \sigma \left( D(x, y) - D(\hat x, y) \right), \qquad
        L_D = E\, \sigma \left( D(\hat x, y) - D(x, y) \right)
            + \frac{\gamma}{2} E \left[ | \nabla_x D(x, y) |^2 + | \nabla_{\hat x} D(\hat x, y) |^2 \right]

    at each place of D, whose number means nothing but beside that of the other picture. A mean of what may be there is
    no original, in whatever features, so that D finds it; the distances to a target are what it cannot ask for. D takes
    one step a batch, on what was restored in it, and is no part of the model: a checkpoint that is to go on holds it
    with its optimizer, exported weights do not. Both losses count by the share of the way where the dial stands
    anywhere (``steps=0``), so that the faithful end learns nothing of it.

    Where there is no input, as in an autoencoder, y is gray.

    References: Jolicoeur-Martineau, 2018, relativistic (arXiv:1807.00734); Mescheder et al., 2018, the penalty
    (arXiv:1801.04406); Huang et al., 2024, both together (arXiv:2501.05441); Wang et al., 2021, for real photographs
    (arXiv:2107.10833).

    Args:
        channels: Of the discriminator.
        lr: Its rate, of Adam with betas 0 and 0.99.
        penalty: The factor gamma.
        every: Batches from one penalty to the next, which counts so many times.
        begin: Batches in which it learns alone, and the loss is zero.
        steps: Steps of a flow map; None takes the mean given x_t, and 0 one step whose dial stands anywhere.
        weight: Factor on it in the sum of losses.
    """

    def __init__(
        self,
        *,
        channels: int = 32,
        lr: float = 5e-4,
        penalty: float = 0.003,
        every: int = 4,
        begin: int = 200,
        steps: int | None = None,
        weight: float = 1.0,
    ) -> None:
        super().__init__(steps=steps, weight=weight)
        if channels < 1 or every < 1 or begin < 0 or lr <= 0 or penalty < 0:
            got = f"{channels=}, {lr=}, {penalty=}, {every=}, {begin=}"
            raise ValueError(f"Adversarial has channels, every and lr above 0, begin and penalty from 0 on; got {got}")
        self.discriminator = PatchDiscriminator(channels).requires_grad_(False)
        self.optimizer = torch.optim.Adam(self.discriminator.parameters(), lr=lr, betas=(0.0, 0.99))
        self.penalty, self.every, self.begin, self.batches = penalty, every, begin, 0

    @property
    def frozen(self) -> nn.Module:
        return self.discriminator

    def __call__(self, prediction: Prediction) -> PerImage:
        image, target = self._pictures(prediction)
        with torch.no_grad():
            given = prediction.decode(prediction.pair.source.mean)
        share = prediction.share if self.steps == 0 else torch.ones_like(prediction.share)
        return self._loss(image, target, given, share)

    def compare(self, image: Image, target: Image, rng: ImageRng) -> PerImage:
        del rng  # it looks everywhere
        gray = torch.full_like(target, 0.5)
        return self._loss(image, target, gray, target.new_ones(len(target)))

    def state_dict(self) -> dict[str, Any]:
        """The discriminator, its optimizer, and how many batches it saw."""
        return {
            "discriminator": self.discriminator.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "batches": self.batches,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where that was written."""
        self.discriminator.load_state_dict(state["discriminator"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.batches = state["batches"]

    def _loss(self, image: Image, target: Image, given: Image, share: PerImage) -> PerImage:
        if torch.is_grad_enabled():
            self._learn(image.detach(), target, given, share)
        if self.batches <= self.begin:
            return 0 * per_image(image)
        return share * per_image(F.softplus(self.discriminator(target, given) - self.discriminator(image, given)))

    def _learn(self, image: Image, target: Image, given: Image, share: PerImage) -> None:
        """One step of the discriminator."""
        with _trained(self.discriminator), torch.enable_grad():
            restored, original = self.discriminator(image, given), self.discriminator(target, given)
            (share * per_image(F.softplus(restored - original))).mean().backward()
            if self.penalty and self.batches % self.every == 0:
                for one in (target, image):
                    (self.every * self.penalty / 2 * self._squared_gradient(one, given).mean()).backward()
        average_gradients(self.discriminator)
        norm = nn.utils.clip_grad_norm_(self.discriminator.parameters(), _CLIP)
        if norm.isfinite():  # as the flow skips a step
            self.optimizer.step()
        self.optimizer.zero_grad()
        self.batches += 1

    def _squared_gradient(self, image: Image, given: Image) -> PerImage:
        """The mean over places of the square of the gradient of D, of each picture, as if no two places saw a pixel."""
        image = image.detach().requires_grad_()
        numbers = self.discriminator(image, given)
        (gradient,) = torch.autograd.grad(numbers.sum(), image, create_graph=True)
        return gradient.square().sum(dim=(1, 2, 3)) / numbers[0].numel()


@contextmanager
def _trained(network: nn.Module) -> Iterator[None]:
    network.requires_grad_(True)
    try:
        yield
    finally:
        network.requires_grad_(False)
