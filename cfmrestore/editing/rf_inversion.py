"""RF-Inversion: the way back to a typical start, and forward again under another condition."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from cfmrestore.conditions import ConditionInputs
from cfmrestore.editing.edit import CountedNetwork, Edit, Guidance, check_settings, ends_of
from cfmrestore.execution import Execution
from cfmrestore.flows import CouplingFlow
from cfmrestore.flows.guided import guided_velocity
from cfmrestore.flows.pipeline import Ends
from cfmrestore.guidance.end_control import EndControl
from cfmrestore.solvers import Euler
from cfmrestore.typing import Image, Latent, Seeds, Velocity


@dataclass(frozen=True, kw_only=True)
class RFInversion:
    """Settings of ``rf_invert`` and ``rf_edit``.

    Args:
        steps: Intervals of the grid, each way.
        gamma: How much the way back is led to a draw of the source's law: 0 is plain inversion, 1 ends at the draw.
        eta: How much the way forward is led to the image: 0 is plain sampling, 1 over all times ends at the image.
        interval: First time at which it is led, and that from which on it is no more.
        decay: Power p of a fading :math:`(1 - t)^p` of eta.
        source_guidance: Scale of classifier-free guidance on the way back.
        target_guidance: The same on the way forward.
        reconstruct: Walk forward under the source condition too, and tell how far from the image that ends.
    """

    steps: int = 28
    gamma: float = 0.5
    eta: float = 0.9
    interval: tuple[float, float] = (0.0, 0.25)
    decay: float = 0.0
    source_guidance: Guidance = 1.0
    target_guidance: Guidance = 1.0
    reconstruct: bool = False

    def __post_init__(self) -> None:
        first, last = self.interval
        check_settings("RFInversion", self.steps, gamma=self.gamma, eta=self.eta, first=first, last=last)
        if first > last or self.decay < 0:
            got = f"interval={self.interval}, decay={self.decay}"
            raise ValueError(f"RFInversion needs a rising interval of times and a decay of 0 or more; got {got}")

    def strength(self, t: float) -> float:
        r"""The strength :math:`\eta (1 - t)^p` at a time; 0 outside of the interval."""
        first, last = self.interval
        inside = first - 1e-6 <= t < last - 1e-6  # times are rounded
        return self.eta * (1 - t) ** self.decay if inside else 0.0


@torch.no_grad()
def rf_invert(
    flow: CouplingFlow,
    image: Image,
    seeds: Seeds,
    source: Mapping[str, Tensor],
    settings: RFInversion | None = None,
    *,
    execution: Execution | None = None,
) -> Edit:
    r"""Starts that belong to images and are typical, as pictures and latents.

    .. math:: \dot{x}_t = (1 - \gamma)\, v(x_t, t, c_{src}) + \gamma\, \frac{x_t - x_0}{t}, \qquad t: 1 \to 0

    by Euler's method, with :math:`x_0` a draw of the law of the flow's source: of noise, or around an input.
    :math:`\gamma = 0` is ``CouplingFlow.invert``, :math:`\gamma = 1` ends at the draw.

    Reference: Rout et al., 2025 (arXiv:2410.10792), whose time runs the other way.

    Args:
        flow: The flow; its sampling says which grid.
        image: The images.
        seeds: One an image, which decides its draw.
        source: What the flow is given of the images: "label", "map"; with "low" and "mask", if it restores.
        settings: How to walk.
        execution: How networks are run.
    """
    walk = _Walk(flow, image, seeds, source, {}, settings or RFInversion(), execution)
    return walk.network.edit(walk.back(), image)


@torch.no_grad()
def rf_edit(
    flow: CouplingFlow,
    image: Image,
    seeds: Seeds,
    source: Mapping[str, Tensor],
    target: Mapping[str, Tensor],
    settings: RFInversion | None = None,
    *,
    execution: Execution | None = None,
) -> Edit:
    r"""Images as they would be under another condition: from their starts (``rf_invert``) forward, led to the image.

    .. math:: \dot{x}_t = (1 - \eta_t)\, v(x_t, t, c_{tar}) + \eta_t\, \frac{x_1 - x_t}{1 - t}, \qquad t: 0 \to 1

    Reference: Rout et al., 2025 (arXiv:2410.10792).

    Args:
        flow: As for ``rf_invert``, like the others.
        image: The images.
        seeds: One an image.
        source: What the flow is given of the images as they are.
        target: What it is given of them as they shall be; what is not named stays.
        settings: How to walk.
        execution: How networks are run.
    """
    settings = settings or RFInversion()
    walk = _Walk(flow, image, seeds, source, target, settings, execution)
    start, error = walk.back(), None
    edited = walk.forward(start, walk.target)
    if settings.reconstruct:
        error = (walk.forward(start, walk.ends.inputs) - walk.ends.x_1).square().flatten(1).mean(1).sqrt()
    return walk.network.edit(edited, image, error)


class _Walk:
    """Both ways between images and their starts."""

    def __init__(
        self,
        flow: CouplingFlow,
        image: Image,
        seeds: Seeds,
        source: Mapping[str, Tensor],
        target: Mapping[str, Tensor],
        settings: RFInversion,
        execution: Execution | None,
    ) -> None:
        pipeline = flow.pipeline(execution=execution)
        self.flow, self.settings = flow, settings
        self.ends: Ends = ends_of(flow, pipeline, image, seeds, source, target)
        self.target = pipeline.told_otherwise(self.ends, target)
        self.network = CountedNetwork(pipeline, self.ends)
        self.grid = flow.sampling.grid(settings.steps)

    def back(self) -> Latent:
        velocity = self._velocity(self.ends.inputs, self.settings.source_guidance)
        gamma, x_0 = self.settings.gamma, self.ends.source.x_0
        led = EndControl(velocity, self.flow.path, lambda t: gamma, start=x_0)
        return Euler().solve(led, self._end(), self.grid.flip(0)).x

    def forward(self, start: Latent, inputs: ConditionInputs) -> Latent:
        velocity = self._velocity(inputs, self.settings.target_guidance)
        led = EndControl(velocity, self.flow.path, self.settings.strength, data=self.ends.x_1)
        x = Euler().solve(led, start, self.grid).x
        return self.flow.path.without_source(x, self.ends.source.mean) if self.flow.path.keeps_source else x

    def _end(self) -> Latent:
        """The images on the path at t = 1."""
        x_1, mean = self.ends.x_1, self.ends.source.mean
        return self.flow.path.with_source(x_1, mean) if self.flow.path.keeps_source else x_1

    def _velocity(self, inputs: ConditionInputs, guidance: Guidance) -> Velocity:
        conditions = self.flow.conditions
        return guided_velocity(
            conditions, inputs, self.network, guidance=guidance, interval=(0.0, 1.0), names=conditions.droppable
        )
