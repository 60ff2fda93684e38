"""Contract of losses: a number an image, zero where nothing is wrong, larger the more is, with gradients."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from cfmrestore.contracts.base import Contract, require, shape
from cfmrestore.flows.losses.base import Loss, Prediction
from cfmrestore.flows.losses.generated import GeneratedLoss
from cfmrestore.ops.rng import ImageRng
from cfmrestore.paths.linear import Linear
from cfmrestore.registry import LOSSES
from cfmrestore.typing import Pair, Source

OF_SETS = "it compares sets of images: no number of one image can be foretold"
LEARNS = "it learns what is wrong: no number can be foretold"


def wrong_network(error: float) -> tuple[Tensor, Callable[..., Tensor]]:
    """A weight, and a network that says error * (1 + h) of it: the more wrong the longer the step."""
    weight = torch.tensor(error, requires_grad=True)

    def network(x: Tensor, t: Tensor, r: Tensor | None = None) -> Tensor:
        return weight * (1 + (0 if r is None else (r - t)[:, None, None, None])) + 0 * x

    return weight, network


def prediction(network: Callable[..., Tensor], t: float = 0.5, images: Sequence[int] = (0, 1)) -> Prediction:
    """Nothing moves; every velocity but 0 is wrong, in the mean and in the detail. Image i lies at i / 4."""
    numbers = torch.tensor(images)
    target = torch.rand(max(4, *images) + 1, 3, 64, 64, generator=torch.Generator().manual_seed(0))[numbers]
    still = (numbers / 4)[:, None, None, None] * torch.ones(1, 4, 8, 8)
    stripes = torch.tensor([1.5, 0.5]).repeat(32)

    def decode(latent: Tensor) -> Tensor:
        error = (latent - still).mean(1, keepdim=True)
        return target + stripes * error.repeat_interleave(8, 2).repeat_interleave(8, 3)

    spread = torch.zeros_like(still)
    return Prediction(
        network, still, torch.full((len(images),), t), Pair(Source(still, still, spread), still), Linear(),
        ImageRng(images), target, decode, teacher=lambda x, t: torch.zeros_like(x), peer=target,
    )  # fmt: skip


def check_values(loss: Loss) -> str | None:
    """A number an image: 0 of the right velocity, positive of a wrong one, larger of one that is more wrong."""
    if isinstance(loss, GeneratedLoss):
        return OF_SETS
    if loss.state_dict():
        return LEARNS
    perfect, wrong, worse = (loss(prediction(wrong_network(error)[1])) for error in (0.0, 0.2, 0.5))
    require(perfect.shape == (2,), f"of 2 images it makes {shape(perfect) or 'one number'}: end with per_image(error)")
    require(perfect.abs().max() < 1e-6, f"of the right velocity it is {perfect.tolist()}, not 0")
    require((wrong > 0).all(), f"of a wrong velocity it is {wrong.tolist()}: positive is promised")
    require((wrong < worse).all(), "of a velocity that is more wrong it is not larger")
    return None


def check_gradients(loss: Loss) -> str | None:
    """Gradients reach the network."""
    if isinstance(loss, GeneratedLoss):
        return OF_SETS
    weight, network = wrong_network(0.2)
    value = loss(prediction(network)).sum()
    require(value.requires_grad, "it has no gradient: compute it outside of torch.no_grad()")
    value.backward()
    require(weight.grad is not None and weight.grad.abs() > 0, "no gradient reaches the network: do not detach v")
    return None


def check_images_are_independent(loss: Loss) -> str | None:
    """The number of an image is the same again, and in any batch; what is drawn is the image's own."""
    if isinstance(loss, GeneratedLoss):
        return OF_SETS
    if loss.state_dict():
        return LEARNS

    def network(x: Tensor, t: Tensor, r: Tensor | None = None) -> Tensor:
        return 0.2 * (1 + 4 * x) * (1 if r is None else 1 + (r - t)[:, None, None, None])

    together = loss(prediction(network))
    torch.rand(3)  # the global generator is what must not matter
    require(torch.equal(loss(prediction(network)), together), "the same images have other numbers: draw from rng")
    alone = torch.cat([loss(prediction(network, images=(i,))) for i in (0, 1)])
    require(
        torch.allclose(together, alone, rtol=1e-3),
        f"of the images {together.tolist()}, alone {alone.tolist()}: end with per_image(error)",
    )
    return None


def check_frozen(loss: Loss) -> str | None:
    """A network that it looks through is not trained."""
    if loss.frozen is None:
        return "it looks through no network"
    trained = [name for name, weight in loss.frozen.named_parameters() if weight.requires_grad]
    require(not trained, f"{', '.join(trained[:3])} of its network would be trained: requires_grad_(False)")
    return None


CONTRACT = Contract(
    LOSSES,
    Loss,
    (check_values, check_images_are_independent, check_gradients, check_frozen),
    cases={
        "Perceptual": [{"backbone": "random", "net": "alex"}],
        "Adversarial": [{"begin": 0}],
        "Imitation": [{"loss": {"type": "PixelMSE"}}],
    },
    unchecked="losses of sets (GeneratedLoss: MMD, Drifting) beside their base class; what a flow learns by it",
)
