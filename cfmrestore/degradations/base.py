"""Degradation base class: what every degradation promises."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, ClassVar, Generic, TypeAlias, TypeVar, get_args

import torch
from torch import Tensor

from cfmrestore.ops.parallel import stack_images
from cfmrestore.ops.rng import ImageRng
from cfmrestore.plugins import broken
from cfmrestore.typing import Frame, Image, PerImage, Seeds, Size

P = TypeVar("P")
Range: TypeAlias = tuple[float, float]
IntRange: TypeAlias = tuple[int, int]


@dataclass(frozen=True)
class NoParams:
    """The parameters of an operator that draws nothing."""


@dataclass(frozen=True)
class SeedParams:
    seed: Seeds


class Degradation(ABC, Generic[P]):
    """An operator in two halves: ``sample`` draws all that is random, ``apply`` is a pure function.

    An operator whose application is random itself (noise) draws one integer seed an image in ``sample``. So a degraded
    image can be replayed bit for bit, from parameters that were written as JSON, in any batch.
    """

    params_type: ClassVar[type] = NoParams
    """The frozen dataclass that stands for P in ``Degradation[P]``."""
    linear: ClassVar[bool] = False
    """Whether ``apply`` is linear in the image and keeps constant images; a test holds it to that."""
    affine: bool = False
    """Whether ``apply`` is a linear map of the image plus an image that does not depend on it; a test holds it to that.

    What is linear is, too, and need not say so."""
    differentiable: bool = False
    """Whether a step along the gradients of ``apply`` leads nearer to a given result; a test holds it to that. Those of
    what is affine do."""
    clips: ClassVar[bool] = False
    """Whether the result lies in [0, 1] whatever the image; a test holds it to that too."""
    stream: ClassVar[str] = ""
    """Name of its random numbers in a chain, if not the class's: a renamed class draws what it always drew."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        for argument in (a for base in vars(cls).get("__orig_bases__", ()) for a in get_args(base)):
            if isinstance(argument, type) and is_dataclass(argument):
                cls.params_type = argument

    def sample(self, frame: Frame, rng: ImageRng) -> P:
        """Draw the parameters of a batch of images, one set an image.

        What is not drawn otherwise has an attribute of its name: a range, of which it is uniform, or how often it is
        true. A ``seed`` is a fresh one.
        """
        return self.params_type(**{f.name: self._draw_one(f.name, rng) for f in fields(self.params_type)})

    def _draw_one(self, name: str, rng: ImageRng) -> Tensor:
        if name == "seed":
            return rng.new_seeds()
        law = getattr(self, name)
        return rng.uniform(low=law[0], high=law[1]) if isinstance(law, tuple) else rng.uniform() < law

    @abstractmethod
    def apply(self, image: Image, params: P) -> Image:
        """Degrade; equal parameters give equal bytes."""

    def noise_level(self, params: P) -> PerImage | float | None:
        """Standard deviation of the noise that ``apply`` adds, white is 1; None where it does anything else.

        What says a number is left out of a ``ForwardOperator``.
        """
        return None

    def out_size(self, size: Size, params: P) -> Size:
        """Height and width that ``apply`` makes of the given ones; parts of a batch must agree."""
        return self.one_size({part.out_size(size, p) for part, p in self.parts(params)} or {size})

    def one_size(self, sizes: set[Size]) -> Size:
        """The only size of a batch, or an error."""
        if len(sizes) > 1:
            raise ValueError(
                f"{type(self).__name__} makes images of several sizes in one batch, {sorted(sizes)}: put the whole "
                "chain into PerImage, and end it with ResizeTo"
            )
        return sizes.pop()

    def parts(self, params: P) -> Iterator[tuple["Degradation[Any]", Any]]:
        """The operators of which a combinator is made, with the parameters that they got."""
        return iter(())

    def draw(self, image: Image, rng: ImageRng) -> P:
        """Draw the parameters for these images, where no chain stands before the operator."""
        if image.device.type == "cpu" and not image.sum().isfinite():  # a GPU would be waited for
            raise ValueError("the image holds NaN or infinite values: mend or leave out the file that it came from")
        size = (image.shape[-2], image.shape[-1])
        return self.sample(Frame(size, size), rng)

    def __call__(self, image: Image, rng: ImageRng) -> Image:
        """Draw and apply, where no chain stands before the operator."""
        return self.applied(image, self.draw(image, rng))

    def applied(self, image: Image, params: P) -> Image:
        """What ``apply`` makes, held to the size that ``out_size`` says and to the type of the image."""
        made = self.apply(image, params)
        promised = (len(image), 3, *self.out_size((image.shape[-2], image.shape[-1]), params))
        if tuple(made.shape) != promised or made.dtype != image.dtype:
            raise broken(
                self, "degradation", f"of {tuple(image.shape)}, {image.dtype}, apply makes {tuple(made.shape)}, "
                f"{made.dtype}, where {promised} of the same type was promised (out_size)"
            )  # fmt: skip
        return made

    def params_to_json(self, params: P) -> dict[str, Any]:
        """Plain numbers, lists and strings."""
        return {f.name: to_json(getattr(params, f.name)) for f in fields(params)}  # type: ignore[arg-type]

    def params_from_json(self, data: dict[str, Any]) -> P:
        """The exact inverse of ``params_to_json``."""
        names = {f.name for f in fields(self.params_type)}
        if data.keys() != names:
            raise ValueError(f"parameters of {type(self).__name__} are {sorted(names)}; got {sorted(data)}")
        return self.params_type(**{name: from_json(value) for name, value in data.items()})


class Fixed(Degradation[NoParams]):
    """An operator that draws nothing."""


class ImageByImage(Degradation[P]):
    """An operator of single images, which are shared among threads."""

    degrade: Callable[..., Tensor]
    """Degrades one image (3, h, w); its parameters follow as plain numbers, in the order of their fields."""

    def apply(self, image: Image, params: P) -> Image:
        return stack_images(self.degrade, image, *numbers(params))


def numbers(params: Any) -> Iterable[list[Any]]:
    """Every field of the parameters as a list, one number an image."""
    return (getattr(params, f.name).tolist() for f in fields(params))


def to_json(value: Any) -> Any:
    """A tensor as its type and values; what is plain stays."""
    if isinstance(value, Tensor):
        return {"dtype": str(value.dtype).removeprefix("torch."), "values": value.tolist()}
    return value


def from_json(value: Any) -> Any:
    """The exact inverse of ``to_json``."""
    if isinstance(value, dict) and "dtype" in value:
        dtype = getattr(torch, str(value["dtype"]), None)
        if not isinstance(dtype, torch.dtype):
            raise ValueError(f"{value['dtype']!r} is no type of numbers")
        return torch.tensor(value["values"], dtype=dtype)
    return value


def check_range(name: str, pair: Range, low: float, high: float = float("inf")) -> Range:
    """A pair of numbers low <= a <= b <= high, or an error that names it."""
    if not (isinstance(pair, list | tuple) and len(pair) == 2 and low <= pair[0] <= pair[1] <= high):
        raise ValueError(f"{name} must be two rising numbers from {low} to {high}; got {pair}")
    return pair[0], pair[1]


def check_whole(name: str, pair: IntRange, low: int, high: float = float("inf")) -> IntRange:
    """A pair of whole numbers low <= a <= b <= high, or an error that names it."""
    check_range(name, pair, low, high)
    if not all(isinstance(n, int) for n in pair):
        raise ValueError(f"{name} must be two whole numbers; got {pair}")
    return pair


def check_share(name: str, value: float) -> float:
    """A number from 0 to 1, or an error that names it."""
    if not 0 <= value <= 1:
        raise ValueError(f"{name} must be a number from 0 to 1; got {value}")
    return value
