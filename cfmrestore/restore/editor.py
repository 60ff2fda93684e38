"""Editing of one picture with a trained flow: across boundaries of attributes, or from class to class."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from cfmrestore.editing import (
    Boundary,
    BoundaryEdits,
    Edit,
    FlowEdit,
    RFInversion,
    boundary_edit,
    flow_edit,
    rf_edit,
)
from cfmrestore.editing.boundary_edit import check_boundaries, guidance_of
from cfmrestore.editing.edit import Guidance
from cfmrestore.flows import CouplingFlow
from cfmrestore.ops.resize import resize
from cfmrestore.restore.sampler import Sampler


class Editor:
    """Edits pictures across boundaries of attributes, or to other classes.

    >>> editor = Editor.from_pretrained("work_dirs/avatars")  # doctest: +SKIP
    >>> smile = Boundary.load("smile.safetensors")  # doctest: +SKIP
    >>> edits = editor(read_image("face.png"), [smile], strengths=[-2, 0, 2]).edits  # doctest: +SKIP

    Args:
        sampler: The model.
        settings: Solver and intervals, as keys of ``Sampling``.
    """

    def __init__(self, sampler: Sampler, **settings: object) -> None:
        self.sampler, self.sampling = sampler, sampler.settings(**settings)

    @classmethod
    def from_pretrained(
        cls,
        path: str | Path,
        *,
        device: str = "auto",
        revision: str | None = None,
        token: str | None = None,
        cache_dir: str | Path | None = None,
        **settings: object,
    ) -> "Editor":
        """From what training leaves behind or a hub has, as ``Sampler.from_pretrained``."""
        hub: dict[str, Any] = {"revision": revision, "token": token, "cache_dir": cache_dir}
        return cls(Sampler.from_pretrained(path, device=device, precision="fp32", **hub), **settings)

    @property
    def flow(self) -> CouplingFlow:
        return self.sampler.flow

    def __call__(
        self,
        image: np.ndarray | Tensor,
        boundaries: Sequence[Boundary],
        strengths: Sequence[float | Sequence[float]] = (-2, -1, 0, 1, 2),
        *,
        keep: Sequence[Boundary] = (),
        to_value: bool = False,
        label: int | None = None,
    ) -> BoundaryEdits:
        """One picture, at all strengths.

        Args:
            image: (h, w, 3) of 8 bits, or (3, h, w) in [0, 1].
            boundaries: Along which it is moved.
            strengths: In standard deviations of the distance: of all boundaries, or one each; a result for each.
            keep: Boundaries whose distances stay.
            to_value: Move to a distance, not by it.
            label: Its class, where the boundaries were fitted to images whose class was told.
        """
        high = self._placed(image)
        self._check_label(boundaries, label)
        given = given_of(self.flow, high, None if label is None else torch.tensor([label]))
        return boundary_edit(
            self.flow, high, torch.zeros(1, dtype=torch.long), boundaries, strengths, keep=keep, to_value=to_value,
            sampling=self.sampling, given={key: value.to(high.device) for key, value in given.items()},
        )  # fmt: skip

    def check(self, boundaries: Sequence[Boundary]) -> None:
        """Refuse boundaries that are not of this model, or not of one guidance."""
        check_boundaries(self.flow, boundaries)
        guidance_of(self.flow, boundaries)

    def needs_label(self, boundaries: Sequence[Boundary]) -> bool:
        """Whether they were fitted to images whose class was told, so that an edit is told it too."""
        return any(tells_class(self.flow, one.guidance) for one in boundaries)

    def to_class(
        self, image: np.ndarray | Tensor, label: int, target: int, settings: FlowEdit | RFInversion, *, seed: int = 0
    ) -> Edit:
        """One picture of a class as one of another, by ``flow_edit`` or ``rf_edit``."""
        high = self._placed(image)
        if not knows_classes(self.flow):
            raise ValueError("this model is told no classes: edit along boundaries")
        source = {key: value.to(high.device) for key, value in given_of(self.flow, high, torch.tensor([label])).items()}
        to = {"label": torch.tensor([target], device=high.device)}
        seeds = torch.tensor([seed])
        if isinstance(settings, FlowEdit):
            return flow_edit(self.flow, high, seeds, source, to, settings)
        return rf_edit(self.flow, high, seeds, source, to, settings)

    def guidance(self, scale: float | None) -> Guidance:
        """A scale of guidance, or the model's."""
        own: Guidance = self.sampling.guidance
        return own if scale is None else scale

    def _placed(self, image: np.ndarray | Tensor) -> Tensor:
        """One image as a batch, where the model is."""
        if isinstance(image, np.ndarray):
            image = torch.tensor(image).permute(2, 0, 1).float() / 255
        return image[None].to(self.sampler.device)

    def _check_label(self, boundaries: Sequence[Boundary], label: int | None) -> None:
        told = self.needs_label(boundaries)
        if told and label is None:
            raise ValueError("these boundaries were fitted to images whose class was told: give the picture's, --label")
        if label is not None and not told:
            raise ValueError("these boundaries were fitted to images whose class was not told: leave --label out")


def knows_classes(flow: CouplingFlow) -> bool:
    """Whether a flow is told the class of an image."""
    return any("label" in part.needs for part in flow.conditions.parts)


def tells_class(flow: CouplingFlow, guidance: float) -> bool:
    """Whether a flow is told the class of an image under a scale of guidance.

    A scale of 0 leaves out what was dropped in training; a class that never was is always told.
    """
    return any("label" in part.needs and (guidance > 0 or not part.dropout) for part in flow.conditions.parts)


def given_of(flow: CouplingFlow, images: Tensor, labels: Tensor | None) -> dict[str, Tensor]:
    """What the conditions of a flow are given of images: their classes, and the input that shrinking makes of them.

    Without classes the label is 0, which a guidance of 0 leaves out.
    """
    needed = {name for part in flow.conditions.parts for name in part.needs}
    if others := sorted(needed - {"label"}):
        raise ValueError(f"this model is told a {others[0]} too: encode images of it in Python, with given=...")
    given: dict[str, Tensor] = {}
    if "label" in needed:
        given["label"] = torch.zeros(len(images), dtype=torch.long) if labels is None else labels
    if flow.coupling.needs_input:
        scale = flow.coupling.scale
        given["low"] = images if scale == 1 else resize(images, scale=1 / scale)
    return given
