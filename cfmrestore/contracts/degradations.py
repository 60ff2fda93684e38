"""Contract of degradations: they replay, treat images one by one, and keep their algebra."""

import json
from typing import Any

import torch
from torch import Tensor

from cfmrestore.contracts.base import Contract, Keys, require, shape
from cfmrestore.degradations.base import Degradation, NoParams
from cfmrestore.degradations.forward_operator import ForwardOperator, is_affine
from cfmrestore.ops.rng import ImageRng
from cfmrestore.registry import DEGRADATIONS

SEEDS = [1, 2, 3, 4, 5]
NOISY: list[Keys] = [
    {"type": "GaussianBlur", "size": (3, 9)},
    {"type": "GaussianNoise", "gray_probability": 0.5},
    {"type": "JPEG"},
]


def images(batch: int = len(SEEDS), height: int = 24, width: int = 32) -> Tensor:
    """Noise over a smooth pattern: flat and lively places, all values of the range."""
    generator = torch.Generator().manual_seed(0)
    y, x = torch.meshgrid(torch.linspace(0, 5, height), torch.linspace(0, 6, width), indexing="ij")
    waves = torch.stack([torch.sin(x + k) * torch.cos(y - k) for k in range(3)]) * 0.4 + 0.5
    return (waves + 0.2 * torch.randn(batch, 3, height, width, generator=generator)).clamp(0, 1)


def degrade(degradation: Degradation[Any], image: Tensor, rng: ImageRng) -> Tensor:
    """Whatever it makes: sizes are checked elsewhere."""
    made: Tensor = degradation.apply(image, degradation.draw(image, rng))
    return made


def check_size_and_dtype(degradation: Degradation[Any]) -> None:
    """Any size becomes what out_size says, three channels, finite, in float32."""
    for height, width in ((24, 32), (17, 9), (1, 1)):
        x = images(2, height, width)
        params = degradation.draw(x, ImageRng([1, 2]))
        y = degradation.apply(x, params)
        promised = (2, 3, *degradation.out_size((height, width), params))
        text = "x".join(map(str, promised))
        require(
            tuple(y.shape) == promised,
            f"of a batch {shape(x)} apply makes {shape(y)}, out_size says {text}: mend the one or the other",
        )
        require(y.dtype == torch.float32, f"apply makes {y.dtype} of float32: return it as the image's type")
        require(y.isfinite().all(), f"apply makes NaN or infinite values of an image of {height}x{width}")


def check_replay(degradation: Degradation[Any]) -> None:
    """The same bytes from the same parameters, from these as JSON, and from the seeds again."""
    x = images()
    params = degradation.draw(x, ImageRng(SEEDS))
    first = degradation.apply(x, params)
    torch.rand(1)
    require(
        torch.equal(degradation.apply(x, params), first),
        "apply gives other pixels with the same parameters: it draws; draw a seed in sample, and ImageRng(seed) here",
    )
    again = degradation.params_from_json(json.loads(json.dumps(degradation.params_to_json(params))))
    require(
        torch.equal(degradation.apply(x, again), first),
        "parameters that went through JSON give other pixels: keep them as numbers, strings or tensors of numbers",
    )
    require(
        torch.equal(degrade(degradation, x, ImageRng(SEEDS)), first),
        "the same seeds draw other parameters: draw from the rng that sample gets alone",
    )


def check_images_are_independent(degradation: Degradation[Any]) -> None:
    """Image i gets the same bytes alone, in another batch, and on another number of threads."""
    for height, width in ((24, 32), (130, 97)):
        x = images(len(SEEDS), height, width)
        together = degrade(degradation, x, ImageRng(SEEDS))
        threads = torch.get_num_threads()
        for part in ([1], [3, 4], [4, 0, 2]):
            torch.set_num_threads(3 - min(threads, 2))
            try:
                some = degrade(degradation, x[part], ImageRng(SEEDS).pick(part))
            finally:
                torch.set_num_threads(threads)
            require(
                torch.equal(some, together[part]),
                f"images {part} of a batch of {height}x{width} get other bytes in a batch of their own: draw and "
                "compute image by image (ImageByImage does)",
            )


def check_purity(degradation: Degradation[Any]) -> None:
    """The image that is given stays as it is."""
    x = images()
    before = x.clone()
    degrade(degradation, x, ImageRng(SEEDS))
    require(torch.equal(x, before), "apply writes into its input: work on a new tensor")


def check_draws_differ(degradation: Degradation[Any]) -> str | None:
    """What draws anything draws something else for another image."""
    x = images(1).expand(40, -1, -1, -1).contiguous()
    params = degradation.draw(x, ImageRng(range(40)))
    if isinstance(params, NoParams):
        return "it draws nothing"
    degraded = iter(degradation.apply(x, params))
    require(
        not all(torch.equal(one, other) for one, other in zip(degraded, degraded, strict=True)),
        "pairs of equal images with other seeds stay equal: draw one set of parameters an image",
    )
    return None


def check_refuses_nan(degradation: Degradation[Any]) -> None:
    """An image with NaN is one clear ValueError."""
    x = images()
    x[1, 2, 3, 4] = float("nan")
    try:
        degradation(x, ImageRng(SEEDS))
    except ValueError as error:
        require("NaN or infinite" in str(error), f"an image with NaN ends in: {error}")
        return
    require(False, "an image with NaN is degraded: leave draw as it is, it refuses it")


def check_linear(degradation: Degradation[Any]) -> str | None:
    """Where linear is True: A(2x - 3y) = 2 A(x) - 3 A(y), and constant images stay constant."""
    if not degradation.linear:
        return "linear is False"
    x, y = images(), images().flip(-1)
    params = degradation.draw(x, ImageRng(SEEDS))

    def apply(image: Tensor) -> Tensor:
        return degradation.apply(image, params)

    require(
        torch.allclose(apply(2 * x - 3 * y), 2 * apply(x) - 3 * apply(y), atol=1e-5),
        "it says linear = True and is not",
    )
    constant = torch.full_like(x, 0.3)
    require(
        torch.allclose(apply(constant), torch.full_like(apply(x), 0.3), atol=1e-6),
        "it says linear = True and changes constant images: say affine = True, or normalize its kernel if it has one",
    )
    return None


def check_range(degradation: Degradation[Any]) -> str | None:
    """Where clips is True: the result lies in [0, 1], whatever the image."""
    if not degradation.clips:
        return "clips is False"
    y = degrade(degradation, 3 * images() - 1, ImageRng(SEEDS))
    low, high = float(y.min()), float(y.max())
    require(0 <= low <= high <= 1, f"it says clips = True and gives values from {low:g} to {high:g}")
    return None


def check_adjoint(degradation: Degradation[Any]) -> str | None:
    """Where affine or linear is True: <A x, y> = <x, A'y> in float64."""
    x = images(2, 26, 33).double()
    params = degradation.draw(x.float(), ImageRng(range(2)))
    if not is_affine(degradation):
        return "neither linear nor affine is True"
    if degradation.noise_level(params) is not None:
        return "it is noise (noise_level)"
    operator = ForwardOperator.of(degradation, params)
    made = operator(x)
    y = torch.randn(made.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    left, right = (made * y).sum(), (x * operator.adjoint(y, (26, 33))).sum()
    bound = 1e-5 * float(made.norm() * y.norm())  # kernels are rounded to floats by some
    other = x.flip(-1)
    linear = torch.allclose(operator(2 * x - 3 * other), 2 * made - 3 * operator(other), atol=1e-5)
    require(linear and float((left - right).abs()) < bound, "it says that it is affine, and its linear part is not")
    require(operator.out_size((26, 33)) == tuple(made.shape[-2:]), "out_size of its linear part is another")
    return None


def check_descent(degradation: Degradation[Any]) -> str | None:
    """Where differentiable or affine is True: a step along the gradient leads nearer to a result."""
    x = images(2, 26, 33)
    if not (is_affine(degradation) or degradation.differentiable):
        return "neither differentiable nor affine is True"
    operator = ForwardOperator.of(degradation, degradation.draw(x, ImageRng(range(2))))
    y, start = operator(x), (0.8 * x + 0.1).requires_grad_()
    misfit = (operator(start) - y).square().sum()
    (gradient,) = torch.autograd.grad(misfit, start)
    nearer = [(operator(start.detach() - step * gradient) - y).square().sum() for step in (0.3, 0.1, 0.03, 0.01)]
    require(
        float(gradient.abs().max()) > 0 and min(float(one) for one in nearer) < 0.99 * float(misfit.detach()),
        "it says differentiable = True, and its gradient leads nowhere",
    )
    return None


def check_noise_level(degradation: Degradation[Any]) -> str | None:
    """Where noise_level says a number: noise of that standard deviation is added, and its mean is 0."""
    x = torch.rand(3, 3, 64, 64, generator=torch.Generator().manual_seed(0)) * 0.2 + 0.4  # gray that no level bounds
    params = degradation.draw(x, ImageRng([1, 2, 3]))
    if (said := degradation.noise_level(params)) is None:
        return "noise_level is None: it is no noise, or not noise alone"
    level = torch.as_tensor(said).expand(3).double()
    noise = (degradation.apply(x, params) - x).double()
    found = noise.std(dim=(1, 2, 3))
    require(
        torch.allclose(found, level, rtol=0.06, atol=1e-9),
        f"noise_level says {level.tolist()}, and the noise of many pixels is {found.tolist()}",
    )
    require(float(noise.mean().abs()) < 0.1 * float(level.max()) + 1e-9, "its noise has another mean than 0")
    return None


CONTRACT = Contract(
    DEGRADATIONS,
    Degradation,
    (
        check_size_and_dtype, check_replay, check_images_are_independent, check_purity, check_draws_differ,
        check_refuses_nan, check_linear, check_range, check_adjoint, check_descent, check_noise_level,
    ),
    cases={
        "Compose": [{"steps": [*NOISY, {"type": "Downscale", "scale": 2}]}],
        "OneOf": [{"steps": NOISY, "weights": [1, 2, 0.5]}],
        "Maybe": [{"step": NOISY[1]}],
        "Shuffle": [{"steps": NOISY}],
        "Repeat": [{"steps": NOISY, "times": (0, 2)}],
        "PerImage": [{"steps": [{"type": "RandomResize"}, NOISY[1], {"type": "ResizeTo", "scale": 2}]}],
        "BoundedMask": [{"mask": {"type": "MixedMask"}}],
        "Albumentations": [{"transforms": [{"type": "RandomFog", "p": 1.0}]}],
        "RandomResize": [{"factor": (0.5, 0.5), "probabilities": (0, 1, 0)}],
    },
    unchecked="whether it looks like what it is named after: look at `cfmrestore degrade --preview`",
)  # fmt: skip
