"""Mixed precision by what the device can do."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from mmengine.device import get_device
from mmengine.logging import print_log
from torch import Tensor, nn
from torch.optim import Optimizer

from cfmrestore.engine.optim_wrapper import OptimWrapper
from cfmrestore.execution.precision import PRECISIONS, best_precision
from cfmrestore.registry import OPTIM_WRAPPERS


@OPTIM_WRAPPERS.register_module()
class AmpOptimWrapper(OptimWrapper):
    """Runs the network in reduced precision; weights, optimizer and losses stay in float32.

    Steps that float16's loss scale skips, to be lowered, do not count as ``skipped``; but below a scale of 1 they do,
    for then it is not to blame.

    Args:
        optimizer: The optimizer.
        precision: "auto", "fp32", "bf16", "fp16", or "tf32": float32 whose products a GPU rounds to ten bits.
        accumulative_counts: Micro-batches an optimizer step.
        clip_grad: Arguments of torch's clipping function, such as ``dict(max_norm=1.0)``.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        *,
        precision: str = "auto",
        accumulative_counts: int = 1,
        clip_grad: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(optimizer, accumulative_counts=accumulative_counts, clip_grad=clip_grad)
        self.device = get_device()
        chosen = best_precision(self.device) if precision == "auto" else precision
        if chosen not in PRECISIONS:
            raise ValueError(f"unknown precision {precision!r}; known are auto, {', '.join(PRECISIONS)}")
        if chosen == "fp16" and self.device == "cpu":
            raise ValueError("float16 is not trained on a CPU: take precision='auto'")
        if chosen == "tf32" and self.device != "cuda":
            raise ValueError(f"tf32 is a kind of product that NVIDIA's GPUs have, not a {self.device}: take 'auto'")
        if chosen == "tf32":
            torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
        print_log(f"mixed precision: {chosen} on {self.device}", logger="current")
        self.dtype = PRECISIONS[chosen]
        self.scaler = torch.amp.GradScaler(self.device, enabled=chosen == "fp16")

    @contextmanager
    def optim_context(self, model: nn.Module) -> Iterator[None]:
        with (
            super().optim_context(model),
            torch.autocast(self.device, dtype=self.dtype, enabled=self.dtype is not torch.float32),
        ):
            yield

    def backward(self, loss: Tensor, **kwargs: Any) -> None:
        self._loss = self._loss + loss.detach()
        self.scaler.scale(loss).backward(**kwargs)
        self._inner_count += 1

    def step(self, **kwargs: Any) -> None:
        if not self.scaler.is_enabled():
            super().step(**kwargs)
            return
        self.skipped = self._is_nonfinite([])  # the gradients are the scaler's to look at
        if self.skipped:
            return
        if self.clip_grad_kwargs:
            self.scaler.unscale_(self.optimizer)
            self._clip_grad()
        scale = self.scaler.get_scale()
        self.scaler.step(self.optimizer, **kwargs)
        self.scaler.update()
        lowered = self.scaler.get_scale() < scale
        self.skipped = scale < 1 and lowered
        if lowered:
            self.grad_norm = None  # infinite: a log's mean would be

    def state_dict(self) -> dict[str, Any]:
        return {**super().state_dict(), "scaler": self.scaler.state_dict()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        scale = state_dict.get("scaler", {})  # empty where the training before was of another precision
        if self.scaler.is_enabled() and scale:
            self.scaler.load_state_dict(scale)
        elif self.scaler.is_enabled():
            print_log("the checkpoint holds no loss scale: float16 begins with the usual one", logger="current")
        elif scale:
            print_log("the checkpoint's loss scale is of float16 and left out here", logger="current")
        super().load_state_dict({key: value for key, value in state_dict.items() if key != "scaler"})
