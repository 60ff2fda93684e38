"""From what the data loader gives to batches on the device, degraded there."""

from collections.abc import Iterable
from typing import Any

import torch
from mmengine.model import BaseDataPreprocessor
from torch import Tensor

from cfmrestore.degradations.base import Degradation
from cfmrestore.degradations.combine.compose import Compose
from cfmrestore.ops.rng import ImageRng
from cfmrestore.registry import DEGRADATIONS, MODELS

Steps = Degradation[Any] | dict[str, Any] | list[dict[str, Any]]


@MODELS.register_module()
class RestorationPreprocessor(BaseDataPreprocessor):
    """Stacks images, turns them into floats, and makes the low-quality ones where the data has none.

    Latents as targets pass as they are: the flow decodes them and has them degraded.

    Args:
        degradation: An operator or a list of them; not needed for pairs.
        target: What makes the target of a photograph before it is degraded, in the same way; without, the photograph
            is the target. Real-ESRGAN sharpens it.
    """

    def __init__(self, *, degradation: Steps | None = None, target: Steps | None = None) -> None:
        super().__init__()
        self.degradation, self.target = _built(degradation), _built(target)

    @torch.no_grad()
    def forward(self, data: dict[str, Any], training: bool = False) -> dict[str, Any]:
        del training
        samples = data["data_samples"]
        seeds = [int(seed) for seed in samples["seed"]]
        inputs = {part: self._stack(part, images) for part, images in data["inputs"].items()}
        if "high" in inputs and "low" not in inputs:
            inputs.update(self.degraded(inputs["high"], seeds))
        inputs["seeds"] = torch.tensor(seeds)
        inputs["numbers"] = torch.tensor([int(number) for number in samples["number"]])
        return {"inputs": inputs, "data_samples": [{"name": name} for name in samples["name"]]}

    def degraded(self, high: Tensor, seeds: Iterable[int] | Tensor) -> dict[str, Tensor]:
        """Targets of photographs, and the low-quality images made of them; in float32, whatever the network's."""
        if self.degradation is None:
            raise ValueError(
                "the dataset has no low-quality images and the preprocessor no degradation: give "
                "data_preprocessor a degradation, or take a PairedFolder"
            )
        rng = ImageRng(seeds)
        with torch.autocast(high.device.type, enabled=False):
            if self.target is not None:
                high = self.target(high, rng.fork("target"))
            return {"high": high, "low": self.degradation(high, rng.fork("degradation"))}

    def _stack(self, part: str, images: list[Tensor]) -> Tensor:
        if len({tuple(image.shape) for image in images}) > 1:
            sizes = sorted({f"{image.shape[-2]}x{image.shape[-1]}" for image in images})
            raise ValueError(
                f"a batch needs images of one size, got {', '.join(sizes)}: crop them, or set batch_size=1"
            )
        batch = torch.stack(images).to(self.device, non_blocking=True).float()
        return batch if part == "latent" else batch / 255


def _built(steps: Steps | None) -> Degradation[Any] | None:
    if isinstance(steps, list | tuple):
        return Compose(steps=steps) if steps else None
    return None if steps is None else DEGRADATIONS.build(steps)
