"""What editing makes of images, and how its network's evaluations are counted."""

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from cfmrestore.flows import CouplingFlow
from cfmrestore.flows.pipeline import Ends, SamplingPipeline
from cfmrestore.ops.pad import crop_to
from cfmrestore.typing import Conditioning, Image, Latent, Time, Velocity

Guidance = float | Mapping[str, float]
"""Scale of classifier-free guidance, or one by condition."""


@dataclass(frozen=True)
class Edit:
    """Edited images, and what they cost.

    Args:
        image: The images.
        latent: The latents that they were decoded from.
        nfe: Calls of the network, one after the other.
        rows: Evaluations of the network an image: what stands side by side in one call counts each.
        error: Root mean square distance, an image, between its latent and where the source condition leads back to,
            where that was asked for.
    """

    image: Tensor
    latent: Tensor
    nfe: int
    rows: int
    error: Tensor | None = None


class CountedNetwork:
    """The network of a pipeline, with its calls and the rows of them counted.

    Args:
        pipeline: The pipeline.
        ends: The images that are edited, whose starts may have cost evaluations.
    """

    def __init__(self, pipeline: SamplingPipeline, ends: Ends) -> None:
        self.pipeline, self.images = pipeline, len(ends.x_1)
        self.nfe = self.rows = ends.nfe

    def __call__(self, conditioning: Conditioning) -> Velocity:
        """v(x, t) of the network that is told something."""
        velocity = self.pipeline.execution.velocity(self.pipeline.network, conditioning)

        def counted(x: Latent, t: Time) -> Latent:
            self.nfe += 1
            self.rows += len(x) // self.images
            return velocity(x, t)

        return counted

    def edit(self, latent: Latent, like: Image, error: Tensor | None = None) -> Edit:
        """The images of edited latents, at the size of those that were given."""
        image = crop_to(self.pipeline.decode(latent), (like.shape[-2], like.shape[-1]))
        return Edit(image, latent, self.nfe, self.rows, error)


def ends_of(
    flow: CouplingFlow,
    pipeline: SamplingPipeline,
    image: Image,
    seeds: Tensor,
    source: Mapping[str, Tensor],
    target: Mapping[str, Tensor],
) -> Ends:
    """The images with the law of their starts, which an input decides where the paths of the flow start at one."""
    if flow.coupling.needs_input and "low" not in source:
        name = type(flow.coupling).__name__
        raise ValueError(f'paths of {name} start at an input: give it beside the source condition, as "low"')
    if both := sorted({"low", "mask"} & target.keys()):
        raise ValueError(f"both sides of an edit have one {both[0]}: give it with the source condition alone")
    return pipeline.ends(image, seeds, source)


def check_settings(kind: str, steps: int, **shares: float) -> None:
    """Refuse settings that have no meaning."""
    if steps < 1:
        raise ValueError(f"{kind} takes one step or more; got steps={steps}")
    for name, value in shares.items():
        if not 0 <= value <= 1:
            raise ValueError(f"{kind}: {name} is a number in [0, 1]; got {value}")
