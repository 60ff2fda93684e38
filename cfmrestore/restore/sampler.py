"""Drawing pictures with a trained flow: of classes, of label maps, of an image with holes, or of noise alone."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from cfmrestore.flows import CouplingFlow, Restoration, Sampling
from cfmrestore.registry import check_keys
from cfmrestore.restore.restorer import device_of, precision_of
from cfmrestore.restore.stages import Stage, find_model, load_stages
from cfmrestore.typing import Size


class Sampler:
    """Draws pictures; picture number i of a call has the seed ``seed + i``, whatever the batch.

    >>> sampler = Sampler.from_pretrained("work_dirs/digits")  # doctest: +SKIP
    >>> pictures = sampler(labels=[3, 1, 4], guidance=2.0)  # doctest: +SKIP

    Args:
        flow: The flow, or a stage of one.
        device: "auto", "cpu", "cuda", "cuda:1" ...
        precision: Of the network, as for ``Restorer``.
    """

    def __init__(self, flow: CouplingFlow | Stage, *, device: str = "auto", precision: str = "auto") -> None:
        stage = flow if isinstance(flow, Stage) else Stage(flow)
        self.flow, self.file = stage.flow, stage.file
        self.device = device_of(device)
        self.dtype = precision_of(precision, self.device)
        self.flow.eval().requires_grad_(False).to(self.device)

    @classmethod
    def from_pretrained(
        cls,
        path: str | Path,
        *,
        device: str = "auto",
        precision: str = "auto",
        encoder: dict[str, Any] | None = None,
        revision: str | None = None,
        token: str | None = None,
        cache_dir: str | Path | None = None,
    ) -> "Sampler":
        """From a checkpoint, a work directory, a bundled model or ``org/name`` of a hub, as for ``Restorer``."""
        stages = load_stages(find_model(path, revision=revision, token=token, cache_dir=cache_dir), encoder)
        if len(stages) > 1:
            raise ValueError(f"{str(path)!r} is a chain of {len(stages)} models; pictures are drawn with one")
        return cls(stages[0], device=device, precision=precision)

    def settings(self, **changes: Any) -> Sampling:
        """The model's sampling, with keys of ``Sampling`` changed; a solver may be a name."""
        check_keys(Sampling, changes)
        if isinstance(changes.get("solver"), str):
            changes["solver"] = {"type": changes["solver"]}
        return replace(self.flow.sampling, **{key: value for key, value in changes.items() if value is not None})

    def __call__(
        self,
        count: int | None = None,
        *,
        labels: int | Sequence[int] | None = None,
        maps: Tensor | None = None,
        size: int | Size | None = None,
        seed: int = 0,
        batch: int = 16,
        **sampling: Any,
    ) -> list[Image.Image]:
        """So many pictures, as PIL images.

        Args:
            count: How many; by default one a label or map.
            labels: Their classes: one for all, or one each.
            maps: Label maps (n, h, w), one a picture.
            size: Side, or height and width, in pixels; by default that of the maps, or the model's ``image_size``.
            seed: Of the first picture.
            batch: How many at once.
            sampling: Keys of ``Sampling``: ``guidance``, ``num_intervals``, ``solver`` ...
        """
        settings = self.settings(**sampling)
        given: dict[str, Tensor] = {}
        if labels is not None:
            given["label"] = torch.as_tensor(labels).reshape(-1)
            if isinstance(labels, int):
                given["label"] = given["label"].expand(count or 1)
        if maps is not None:
            given["map"] = torch.as_tensor(maps)
        counts = {len(value) for value in given.values()} | ({count} if count is not None else set())
        if len(counts) > 1 or min(counts, default=1) < 1:
            raise ValueError(f"one label and one map a picture; got {sorted(counts)} of them")
        total = counts.pop() if counts else 1
        pictures: list[Image.Image] = []
        for first in range(0, total, batch):
            rows = slice(first, min(first + batch, total))
            seeds = list(range(seed + rows.start, seed + rows.stop))
            part = {key: value[rows] for key, value in given.items()}
            pictures += to_pil(self.draw(seeds, settings, size=size, given=part).image)
        return pictures

    @torch.no_grad()
    def draw(
        self,
        seeds: Sequence[int],
        sampling: Sampling | None = None,
        *,
        size: int | Size | None = None,
        low: Tensor | None = None,
        given: Mapping[str, Tensor] | None = None,
    ) -> Restoration:
        """One batch of images in [0, 1], a seed each: generated, or of inputs where the model starts at one.

        Args:
            seeds: One an image.
            sampling: How to sample; by default the model's.
            size: As in a call.
            low: Inputs (b, 3, h, w) in [0, 1].
            given: What conditions need: "label", "map", "mask".
        """
        placed = {key: value.to(self.device) for key, value in (given or {}).items()}
        starts, sampling = torch.tensor(list(seeds)), sampling or self.flow.sampling
        execution = self.flow.execution(dtype=self.dtype)
        if low is not None:
            return self.flow.restore(low.to(self.device), starts, sampling, given=placed, execution=execution)
        return self.flow.generate(self.size(size, placed), starts, sampling, given=placed, execution=execution)

    def size(self, size: int | Size | None, given: Mapping[str, Tensor]) -> Size:
        """Height and width of what is drawn: of the map, or as asked for, or the model's."""
        if "map" in given:
            return given["map"].shape[-2], given["map"].shape[-1]
        size = size or self.flow.image_size
        if size is None:
            raise ValueError("the model does not say which size it was trained at: give size=..., or model.image_size")
        height, width = (size, size) if isinstance(size, int) else size
        if height < 1 or width < 1:
            raise ValueError(f"a picture has one pixel or more; got {height}x{width}")
        return int(height), int(width)


def to_pil(images: Tensor) -> list[Image.Image]:
    """PIL images of a batch in [0, 1]."""
    levels = (images.clamp(0, 1) * 255).round().byte().cpu().permute(0, 2, 3, 1).numpy()
    return [Image.fromarray(one) for one in levels]
