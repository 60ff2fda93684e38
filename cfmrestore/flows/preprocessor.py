"""From what the data loader gives to batches on the device, degraded there."""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from cfmrestore.degradations.base import Degradation
from cfmrestore.degradations.combine.compose import Compose
from cfmrestore.degradations.masks.mask import MaskDegradation
from cfmrestore.flows.trained_model import Preprocessor
from cfmrestore.ops.rng import ImageRng
from cfmrestore.ops.transfer import sent_to
from cfmrestore.registry import DEGRADATIONS, MODELS
from cfmrestore.typing import Frame

Steps = Degradation[Any] | dict[str, Any] | list[dict[str, Any]]


@MODELS.register_module()
class RestorationPreprocessor(Preprocessor):
    """Stacks images, turns them into floats, and makes the low-quality ones where the data has none.

    Latents as targets pass as they are: the flow decodes them and has them degraded.

    Args:
        degradation: An operator or a list of them; not needed for pairs.
        target: What makes the target of a photograph before it is degraded, in the same way; without, the photograph
            is the target. Real-ESRGAN sharpens it.
        mask: A mask that cuts holes into the low-quality image (into the target, without a degradation), and is given
            to conditions as "mask".
    """

    def __init__(
        self,
        *,
        degradation: Steps | None = None,
        target: Steps | None = None,
        mask: MaskDegradation[Any] | dict[str, Any] | None = None,
    ) -> None:
        super().__init__()
        self.recipe = {"degradation": degradation or None, "target": target or None, "mask": mask}
        self.degradation, self.target = _built(degradation), _built(target)
        cuts = None if mask is None else DEGRADATIONS.build(mask)
        if cuts is not None and not isinstance(cuts, MaskDegradation):
            raise ValueError(f"data_preprocessor.mask cuts holes, such as MixedMask; {type(cuts).__name__} cuts none")
        self.mask: MaskDegradation[Any] | None = cuts

    @property
    def makes_inputs(self) -> bool:
        """Whether low-quality images are made here."""
        return self.degradation is not None or self.mask is not None

    @torch.no_grad()
    def forward(self, data: dict[str, Any], training: bool = False) -> dict[str, Any]:
        del training
        samples = data["data_samples"]
        seeds = [int(seed) for seed in samples["seed"]]
        inputs = {part: self._stack(part, images) for part, images in data["inputs"].items()}
        if "high" in inputs and "low" not in inputs and self.makes_inputs:
            inputs.update(self.degraded(inputs["high"], seeds))
        inputs["seeds"] = torch.tensor(seeds)
        inputs["numbers"] = torch.tensor([int(number) for number in samples["number"]])
        return {"inputs": inputs, "data_samples": [{"name": name} for name in samples["name"]]}

    def degraded(self, high: Tensor, seeds: Iterable[int] | Tensor) -> dict[str, Tensor]:
        """Targets of photographs, and the low-quality images made of them; in float32, whatever the network's."""
        rng = ImageRng(seeds)
        with torch.autocast(high.device.type, enabled=False):
            if self.target is not None:
                high = self.target(high, rng.fork("target"))
            low = high if self.degradation is None else self.degradation(high, rng.fork("degradation"))
            if self.mask is None:
                return {"high": high, "low": low}
            size = (low.shape[-2], low.shape[-1])
            params = self.mask.sample(Frame(size, size), rng.fork("mask"))
            return {
                "high": high,
                "low": self.mask.apply(low, params),
                "mask": self.mask.mask(size, params).to(low, non_blocking=True),
            }

    def _stack(self, part: str, images: list[Tensor]) -> Tensor:
        if len({tuple(image.shape) for image in images}) > 1:
            sizes = sorted({f"{image.shape[-2]}x{image.shape[-1]}" for image in images})
            raise ValueError(
                f"a batch needs images of one size, got {', '.join(sizes)}: crop them, or set batch_size=1"
            )
        batch = sent_to(torch.stack(images), self.device)
        if part in ("label", "map", "size"):
            return batch.long()
        return batch.float() / 255 if part in ("high", "low", "peer") else batch.float()


def _built(steps: Steps | None) -> Degradation[Any] | None:
    if isinstance(steps, list | tuple):
        return Compose(steps=steps) if steps else None
    return None if steps is None else DEGRADATIONS.build(steps)
