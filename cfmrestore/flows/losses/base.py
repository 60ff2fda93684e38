"""Loss base class, and what a loss may ask for."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from cfmrestore.ops.broadcast import expand_as
from cfmrestore.ops.rng import ImageRng
from cfmrestore.paths.base import Path
from cfmrestore.typing import Image, Latent, Pair, PerImage, Time


@dataclass(frozen=True)
class Prediction:
    """A batch of training paths, and the network that is asked on them.

    Args:
        network: The network under the batch's conditions: v(x, t), or u(x, t, r) of a flow map; in float32. Of several
            points an image x holds one of each image, then the next of each; or ``images`` says of which image each is.
        x_t: Points of the paths.
        t: Their times.
        pair: The ends of the paths.
        path: The curve between them.
        rng: Streams of random numbers for the losses, one an image.
        target: The high-quality images; None where the data gives latents alone.
        decode: Images of latents.
        teacher: v(x, t) of a trained flow under the same conditions, without gradients; None where there is none.
        flow_map: Whether the network is one.
        label: The classes of the images, where the data has them.
        peer: What another model makes of the inputs, where the data has it.
    """

    network: Callable[..., Tensor]
    x_t: Tensor
    t: Tensor
    pair: Pair
    path: Path
    rng: ImageRng
    target: Tensor | None
    decode: Callable[[Tensor], Tensor]
    teacher: Callable[..., Tensor] | None = None
    flow_map: bool = False
    label: Tensor | None = None
    peer: Image | None = None

    @cached_property
    def v(self) -> Latent:
        """What the network says at (x_t, t)."""
        return self.network(self.x_t, self.t)

    @cached_property
    def dx_t(self) -> Latent:
        """The velocity that is learned there."""
        return self.velocity(self.x_t, self.t)

    @cached_property
    def restored(self) -> Image:
        """The decoded mean of x_1 given x_t."""
        return self.decode(self.path.velocity_to_data(self.v, self.x_t, self.t))

    def end(self, num_intervals: int) -> Latent:
        """The data to which a flow map leads from the starts in so many steps of equal length, with gradients."""
        x = self.pair.source.x_0
        times = torch.linspace(0, 1, num_intervals + 1, dtype=x.dtype, device=x.device).expand(len(x), -1)
        for t, r in pairwise(times.unbind(dim=1)):
            x = x + self.network(x, t, r) / num_intervals
        return self._without_source(x)

    @cached_property
    def share(self) -> PerImage:
        """Of the way, uniform in [0, 1]: where the dial stands on which an image is asked for."""
        return self.rng.fork("share").uniform().to(self.x_t, non_blocking=True)

    @cached_property
    def dialed(self) -> Latent:
        """What a flow map makes of the start in one step when its dial stands at the share s, as in sampling.

        It is x_s + u(x_s, 0, s), from the start x_s = m + s (x_0 - m) with that share of the noise about its mean m.
        """
        source = self.pair.source
        x = torch.lerp(source.mean, source.x_0, expand_as(self.share, source.x_0))
        return self._without_source(x + self.network(x, torch.zeros_like(self.share), self.share))

    @cached_property
    def dialed_image(self) -> Image:
        """The same, decoded."""
        return self.decode(self.dialed)

    def image(self, steps: int | None) -> Image:
        """What is restored: the mean given x_t (None), one step whose dial stands anywhere (0), or so many steps."""
        if steps is None:
            return self.restored
        return self.decode(self.end(steps)) if steps else self.dialed_image

    def _without_source(self, x: Latent) -> Latent:
        """What is left at t = 1 of the mean of the source is taken out, as in sampling."""
        return self.path.without_source(x, self.pair.source.mean) if self.path.keeps_source else x

    def at(self, t: Time) -> Latent:
        """Points of the same paths at other times."""
        return self.path.sample(self.pair.source.x_0, self.pair.x_1, t)[0]

    def velocity(self, x: Latent, t: Time) -> Latent:
        """The teacher's velocity, or without one that of the path through x between its ends."""
        if self.teacher is not None:
            return self.teacher(x, t)
        return self.path.sample(self.pair.source.x_0, self.pair.x_1, t)[1]


def per_image(error: Tensor) -> PerImage:
    """The mean over all axes but the batch, in whatever layout."""
    return error.mean(dim=tuple(range(1, error.dim())))


def shifted(image: Image, rng: ImageRng, shift: int) -> Image:
    """Windows of images that are ``shift`` pixels smaller, at a place drawn anew for each batch, the same of all."""
    top, left = (rng.fork("shift").uniform(2)[0] * (shift + 1)).int().tolist()
    height, width = (side - shift for side in image.shape[-2:])
    return image[..., top : top + height, left : left + width]


class Loss(ABC):
    """A number an image, averaged over the batch by the flow.

    Args:
        weight: Factor on it in the sum of losses.
    """

    needs_teacher = False
    needs_flow_map = False
    needs_target = False
    """Whether it compares pictures with those of the data."""

    def __init__(self, *, weight: float = 1.0) -> None:
        self.weight = weight

    @property
    def frozen(self) -> nn.Module | None:
        """A network that the loss looks through; it follows the flow to its device, and is no part of it: the flow's
        training does not move it, and its checkpoints do not hold it.
        """
        return None

    def state_dict(self) -> dict[str, Any]:
        """What it learned beside the flow, of which a training goes on exactly; of most losses nothing."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where that was written."""
        if state:
            raise ValueError(f"{type(self).__name__} learns nothing beside the flow, and is given {list(state)}")

    @abstractmethod
    def __call__(self, prediction: Prediction) -> PerImage:
        """The loss of each image, before the weight."""


class PictureLoss(Loss):
    """A loss that compares pictures, whatever made them.

    Args:
        steps: Steps of a flow map that make the picture; None takes the mean given x_t, and 0 one step whose dial
            stands anywhere.
        weight: Factor on it in the sum of losses.
    """

    needs_target = True

    def __init__(self, *, steps: int | None = None, weight: float = 1.0) -> None:
        super().__init__(weight=weight)
        if steps is not None and steps < 0:
            raise ValueError(f"steps is a number of steps, 0 or None; got {steps}")
        self.steps, self.needs_flow_map = steps, steps is not None

    def __call__(self, prediction: Prediction) -> PerImage:
        return self.compare(*self._pictures(prediction), prediction.rng)

    def _pictures(self, prediction: Prediction) -> tuple[Image, Image]:
        """What is restored, and its target."""
        if prediction.target is None:
            raise ValueError(f"{type(self).__name__} compares pictures, and this data gives latents without one")
        return prediction.image(self.steps), prediction.target

    @abstractmethod
    def compare(self, image: Image, target: Image, rng: ImageRng) -> PerImage:
        """The loss of each picture, before the weight."""
