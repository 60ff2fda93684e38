"""The velocity or flow map of a network: by tiles, and in reduced precision where that gives numbers."""

import logging
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial

import torch
from torch import Tensor

from cfmrestore.execution.cuda_graphs import CudaGraphs
from cfmrestore.ops.tiles import TileBlender, Tiling
from cfmrestore.plugins import broken
from cfmrestore.typing import Conditioning, Latent, Time

log = logging.getLogger("cfmrestore")


class NetworkVelocity:
    """v(x, t) of a network that is told something, always in float32; of a flow map, u(x, t, r) too.

    Of a large x it is put together tile by tile before the solver takes its step: neighbors agree at every step, so
    that no seam can grow. What is not finite in float16 is evaluated again, and from there on, in float32; bfloat16 has
    float32's range, so that it is not looked at, for which a GPU would be waited for at every evaluation.

    Args:
        network: v(x, t, **conditioning), a module or what evaluates it.
        conditioning: What the network is told of the whole image; maps are cut as x is.
        device: Where the network is.
        dtype: Of its products.
        memory_format: Of its inputs.
        tiling: Tiles in latent samples; None evaluates the whole.
        graphs: CUDA graphs by which it is evaluated.
        on_evaluation: Called after each evaluation.
    """

    def __init__(
        self,
        network: Callable[..., Tensor],
        conditioning: Conditioning,
        device: torch.device,
        dtype: torch.dtype = torch.float32,
        memory_format: torch.memory_format = torch.contiguous_format,
        tiling: Tiling | None = None,
        graphs: CudaGraphs | None = None,
        on_evaluation: Callable[[], None] | None = None,
    ) -> None:
        self.network, self.conditioning = network, conditioning
        self.evaluate = network if graphs is None else partial(graphs.evaluate, network)
        self.device, self.dtype, self.memory_format = device, dtype, memory_format
        self.tiling, self.on_evaluation = tiling, on_evaluation
        if tiling is None:  # laid out once, and not at every evaluation
            self.conditioning = {key: self._input(value) for key, value in conditioning.items()}

    def __call__(self, x: Latent, t: Time, r: Time | None = None) -> Latent:
        blender = TileBlender((x.shape[-2], x.shape[-1]), self.tiling)
        time = t.expand(len(x)).to(self.device)
        duration = {} if r is None else {"duration": (r - t).expand(len(x)).to(self.device)}
        for cut in blender.cuts:
            tile = self._input(cut(x))
            told = {key: self._input(cut(c) if c.dim() == 4 else c) for key, c in self.conditioning.items()} | duration
            reduced = self.dtype is not torch.float32
            with torch.autocast(self.device.type, dtype=self.dtype) if reduced else nullcontext():
                v: Tensor = self.evaluate(tile, time, **told).float()
            if self.dtype is torch.float16 and not bool(v.isfinite().all()):
                log.warning("the network overflows in float16: going on in float32")
                self.dtype = torch.float32
                v = self.evaluate(tile, time, **told).float()
            if v.shape != tile.shape:
                raise broken(self.network, "network", f"of x {tuple(tile.shape)} it makes v {tuple(v.shape)}")
            blender.add(cut, v.to(x.device))
            if self.on_evaluation is not None:
                self.on_evaluation()
        return blender.blended

    def _input(self, x: Tensor) -> Tensor:
        x = x.to(self.device)
        return x.contiguous(memory_format=self.memory_format) if x.dim() == 4 else x
