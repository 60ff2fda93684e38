"""Optimizer steps that leave everything as it is where a loss or a gradient is not finite."""

import inspect
from collections.abc import Mapping
from typing import Any

import torch
from mmengine.dist import all_reduce
from mmengine.optim import OptimWrapper as MMOptimWrapper
from mmengine.registry import OPTIMIZERS
from torch import Tensor

from cfmrestore.registry import OPTIM_WRAPPERS


@OPTIM_WRAPPERS.register_module()
class OptimWrapper(MMOptimWrapper):
    """mmengine's, with steps that are skipped, by all ranks together, where one rank's loss or gradient is not finite.

    A skipped step leaves weights and the optimizer's state as they are; ``skipped`` says whether the last one was. A
    gradient whose norm is beyond float32 counts as infinite.

    Whether to skip is the one number of a step that is read from the device, once the backward pass is queued. The norm
    of the gradients, where they are clipped, stays where it was computed, as ``grad_norm``, for the loop to log.

    Args:
        optimizer: The optimizer.
        accumulative_counts: Micro-batches an optimizer step.
        clip_grad: Arguments of torch's clipping function, such as ``dict(max_norm=1.0)``.
    """

    skipped = False
    grad_norm: Tensor | None = None
    _loss: Tensor | float = 0.0  # the sum over micro-batches: not finite where one of them is not

    def __init__(
        self,
        optimizer: torch.optim.Optimizer,
        *,
        accumulative_counts: int = 1,
        clip_grad: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(optimizer, accumulative_counts=accumulative_counts, clip_grad=clip_grad)

    def backward(self, loss: Tensor, **kwargs: Any) -> None:
        self._loss = self._loss + loss.detach()
        super().backward(loss, **kwargs)

    def step(self, **kwargs: Any) -> None:
        self.skipped = self._is_nonfinite([g for p in self._parameters() if (g := p.grad) is not None])
        if not self.skipped:
            super().step(**kwargs)

    def _parameters(self) -> list[Tensor]:
        return [parameter for group in self.optimizer.param_groups for parameter in group["params"]]

    def _clip_grad(self) -> None:
        clipped = [p for p in self._parameters() if p.grad is not None]
        norm: Any = self.clip_func(clipped, **self.clip_grad_kwargs) if clipped else None
        self.grad_norm = norm.full_tensor() if hasattr(norm, "full_tensor") else norm  # of weights in shards

    def _is_nonfinite(self, gradients: list[Tensor]) -> bool:
        """Whether the loss since the last step, or one of the gradients, is not finite on any rank."""
        norms = torch._foreach_norm(gradients) if gradients else ()  # Euclidean, the quickest by far
        parts = [torch.as_tensor(self._loss), *(one.to_local() if hasattr(one, "to_local") else one for one in norms)]
        self._loss = 0.0
        flag = (~torch.stack([one.to(parts[-1].device, torch.float32) for one in parts]).isfinite()).any().int()
        all_reduce(flag, op="max")
        return bool(flag)


def with_fused_step(config: Mapping[str, Any], device: str) -> Mapping[str, Any]:
    """On a GPU the optimizer's step in a few kernels, where it has such a one and its config says nothing of it.

    On a CPU the default stays, whose sums stored trainings have.
    """
    keys = config.get("optimizer") or {}
    optimizer = OPTIMIZERS.get(keys["type"]) if isinstance(keys.get("type"), str) else None
    if device != "cuda" or optimizer is None or {"fused", "foreach", "capturable", "differentiable"} & keys.keys():
        return config
    has_one = "fused" in inspect.signature(optimizer).parameters
    return {**config, "optimizer": {**keys, "fused": True}} if has_one else config
