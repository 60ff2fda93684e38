"""Optimizer steps that leave everything as it is where a loss or a gradient is not finite."""

from typing import Any

import torch
from mmengine.dist import all_reduce
from mmengine.optim import OptimWrapper as MMOptimWrapper
from torch import Tensor

from cfmrestore.registry import OPTIM_WRAPPERS


@OPTIM_WRAPPERS.register_module()
class OptimWrapper(MMOptimWrapper):
    """mmengine's, with steps that are skipped, by all ranks together, where one rank's loss or gradient is not finite.

    A skipped step leaves weights and the optimizer's state as they are; ``skipped`` says whether the last one was. A
    gradient whose norm is beyond float32 counts as infinite.
    """

    skipped = False
    _loss: Tensor | float = 0.0  # the sum over micro-batches: not finite where one of them is not

    def backward(self, loss: Tensor, **kwargs: Any) -> None:
        self._loss = self._loss + loss.detach()
        super().backward(loss, **kwargs)

    def step(self, **kwargs: Any) -> None:
        self.skipped = self._is_nonfinite([g for p in self._parameters() if (g := p.grad) is not None])
        if not self.skipped:
            super().step(**kwargs)

    def _parameters(self) -> list[Tensor]:
        return [parameter for group in self.optimizer.param_groups for parameter in group["params"]]

    def _is_nonfinite(self, gradients: list[Tensor]) -> bool:
        """Whether the loss since the last step, or one of the gradients, is not finite on any rank."""
        norms = torch._foreach_norm(gradients) if gradients else ()  # Euclidean, the quickest by far
        parts = [torch.as_tensor(self._loss), *(one.to_local() if hasattr(one, "to_local") else one for one in norms)]
        self._loss = 0.0
        flag = (~torch.stack([one.to(parts[-1].device, torch.float32) for one in parts]).isfinite()).any().int()
        all_reduce(flag, op="max")
        return bool(flag)
