"""Coupling base class: where a path starts, and which end it leads to."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import lcm
from typing import Any, ClassVar

from torch import Tensor, nn

from cfmrestore.couplings.upsampling import ENLARGED_LATENTS, enlarge, lift
from cfmrestore.encoders.base import Encoder
from cfmrestore.execution import Execution
from cfmrestore.ops.rng import ImageRng
from cfmrestore.plugins import broken
from cfmrestore.typing import Image, Latent, Pair, Source


class Coupling(nn.Module, ABC):
    """Draws the start of a path for a low-quality image, and pairs it with an end.

    A network that starts need is a frozen submodule; the encoder is none, so that checkpoints do not hold it.

    Args:
        encoder: The space in which the flow runs.
        scale: Pixels of the target a pixel of the input, along each side.
        upsample: How the input is brought to the latent size of the target: "pixel" (bicubic in pixels, then encoded),
            "bilinear" (the same with a bilinear kernel), "decoded" (as "pixel", with what the autoencoder makes of the
            input), "latent" (encoded, then bilinear in the latent) or "nearest" (encoded, then repeated).
    """

    conditions: ClassVar[Sequence[Mapping[str, Any]]] = ({"type": "LowRes"},)
    """Configs of what a network is told unless a flow's config says it."""

    needs_input = True
    """Whether a path can start only at an input."""

    law_needs: frozenset[str] = frozenset({"lowres"})
    """Fields of ``Source`` on which its law depends: a network that is told them has a known score."""

    extra_nfe = 0
    """Evaluations of a network that a start costs."""

    gives_estimate = False
    """Whether its sources come with the posterior mean."""

    network: nn.Module | None

    def __init__(self, *, encoder: Encoder, scale: int = 1, upsample: str = "pixel") -> None:
        super().__init__()
        if scale < 1:
            raise ValueError(f"scale must be 1 or more; got {scale}")
        self._encoder = (encoder,)  # a tuple, in which torch sees no submodule
        self.scale, self.upsample = scale, upsample
        self.register_module("network", None)

    @property
    def encoder(self) -> Encoder:
        """The space in which the flow runs."""
        return self._encoder[0]

    @property
    def low_multiple(self) -> int:
        """Number of which the sides of an input must be multiples."""
        m = self.encoder.downscale
        return m if self.encodes_input else lcm(m, self.scale) // self.scale

    def begin_training(self) -> None:
        """Read what a training starts from."""

    def train(self, mode: bool = True) -> "Coupling":
        """A frozen network stays in evaluation mode, also when the flow around it trains."""
        del mode
        return super().train(False)

    @property
    def encodes_input(self) -> bool:
        """Whether the input itself goes through the encoder, before it is enlarged."""
        return self.upsample in ("latent", "nearest", "decoded")

    @property
    def lifts_latents(self) -> bool:
        """Whether a latent is enlarged as it is; otherwise its picture is."""
        return self.upsample in ENLARGED_LATENTS

    def lifted(self, low: Image, rng: ImageRng, execution: Execution) -> Latent:
        """The input as a latent of the target's size."""
        return lift(low, execution.encoder(self.encoder), self.scale, self.upsample, rng.fork("lift"))

    def lifted_moments(self, moments: Tensor, rng: ImageRng) -> Latent:
        """The same from what the encoder says of the input, of the small one or of the enlarged, as it is encoded."""
        latent = self.encoder.sample(moments, rng.fork("lift"))
        return enlarge(latent, self.scale, self.upsample) if self.lifts_latents else latent

    def lifted_latent(self, latent: Tensor, rng: ImageRng, execution: Execution) -> Latent:
        """An input that is a latent already, at the target's size."""
        if self.lifts_latents:
            return enlarge(latent, self.scale, self.upsample)
        encoder = execution.encoder(self.encoder)
        mode = "pixel" if self.upsample == "decoded" else self.upsample  # decoded it is here
        return lift(encoder.decode(latent).clamp(0, 1), encoder, self.scale, mode, rng.fork("lift"))

    @abstractmethod
    def source(self, low: Image, rng: ImageRng, execution: Execution) -> Source:
        """The start of a restoration: all that is needed at test time.

        Args:
            low: The input.
            rng: One generator an image.
            execution: How encoder and networks are run.
        """

    def source_from_latent(self, latent: Tensor, rng: ImageRng, execution: Execution) -> Source:
        """The start from a latent of the input; without a method of its own, from the picture of it."""
        return self.source(execution.encoder(self.encoder).decode(latent).clamp(0, 1), rng, execution)

    @abstractmethod
    def start(self, low: Image, rng: ImageRng, execution: Execution) -> Source:
        """The start of a training path; its noise level may be drawn."""

    def start_from_lifted(self, lowres: Latent, rng: ImageRng, execution: Execution) -> Source:
        """The start of a training path from the input as ``lifted`` makes it: what ``start`` does behind that."""
        raise ValueError(
            f"{type(self).__name__} starts at images alone, and this data gives latents of the input: give it "
            "start_from_lifted, or train it from images"
        )

    def source_without_input(self, like: Latent, rng: ImageRng) -> Source:
        """The start of a generation, of the shape and place of a latent."""
        raise ValueError(
            f"{type(self).__name__} starts at an input, and there is none: generation takes "
            "coupling=dict(type='Independent')"
        )

    def checked(self, source: Any) -> Source:
        """What a method of a coupling made, which is to be a source."""
        if not isinstance(source, Source):
            raise broken(
                self, "coupling", f"its start is a {type(source).__name__}, where a Source was promised (source, start)"
            )
        return source

    def pair(
        self,
        high: Image | None,
        low: Image | None,
        rng: ImageRng,
        x_1: Tensor | None = None,
        *,
        x_0: Tensor | None = None,
        lowres: Tensor | None = None,
        execution: Execution | None = None,
    ) -> Pair:
        """A start and an end for training; the end is the target encoded, if it is not given.

        A start that is given was drawn at test time, so that what is told of it is what is told there; ``lowres`` is
        the input as a latent of the target's size, in place of ``low``.
        """
        fit = lcm(self.encoder.downscale, self.scale)
        if high is not None and (high.shape[-2] % fit or high.shape[-1] % fit):
            raise ValueError(
                f"targets of {_size(high)} do not fit scale {self.scale} and {type(self.encoder).__name__}'s factor "
                f"{self.encoder.downscale}: crop them to multiples of {fit}, --cfg-options crop_size="
                f"{max(min(high.shape[-2:]) // fit, 1) * fit}"
            )
        if x_1 is None:
            assert high is not None
            x_1 = self.encoder.encode(high, rng.fork("encode"))
        execution = execution or Execution(device=x_1.device)
        if lowres is not None:
            start = self.start_from_lifted(lowres, rng, execution)
        elif low is None:
            start = self.source_without_input(x_1, rng)
        else:
            start = (self.start if x_0 is None else self.source)(low, rng, execution)
        start = self.checked(start)
        if x_0 is not None:
            if x_0.shape != start.x_0.shape:
                raise ValueError(
                    f"a given start is of {_size(x_0)}, and one of its pair would be of {_size(start.x_0)}"
                )
            start = replace(start, x_0=x_0)
        if low is not None and x_1.shape != start.x_0.shape:
            target = "a latent" if high is None else f"a target of {_size(high)}"
            raise ValueError(f"an input of {_size(low)} at scale {self.scale} does not match {target} in the latent")
        return Pair(start, x_1)


def _size(image: Image) -> str:
    return f"{image.shape[-2]}x{image.shape[-1]}"
