"""One flow of a chain: by tiles that fit the memory, and smaller ones where they did not."""

import logging
import math
from collections.abc import Mapping

import torch
from torch import Tensor

from cfmrestore.execution import CudaGraphs
from cfmrestore.execution.backends import Backend
from cfmrestore.flows import Restoration, Sampling
from cfmrestore.ops.tiles import Tiling, count
from cfmrestore.restore import tile_planner
from cfmrestore.restore.free_memory import is_out_of_memory
from cfmrestore.restore.progress import Progress
from cfmrestore.restore.settings import Settings
from cfmrestore.restore.stages import Stage
from cfmrestore.typing import Size

log = logging.getLogger("cfmrestore")


class StageRunner:
    """Restores batches with one flow.

    Args:
        stage: The flow, with its own sampling.
        device: Where it is.
        dtype: Precision of the network's products.
        graphs: CUDA graphs by which the network is evaluated.
        backend: What evaluates the networks in place of torch.
    """

    def __init__(
        self,
        stage: Stage,
        device: torch.device,
        dtype: torch.dtype,
        graphs: CudaGraphs | None = None,
        backend: Backend | None = None,
    ) -> None:
        self.stage, self.flow = stage, stage.flow
        self.device, self.dtype, self.graphs, self.backend = device, dtype, graphs, backend
        self._costs: tile_planner.Costs | None = None

    def run(
        self,
        start: Tensor,
        seeds: Tensor,
        settings: Settings,
        progress: Progress,
        *,
        is_latent: bool = False,
        given: Mapping[str, Tensor] | None = None,
    ) -> Restoration:
        """Restore images or small latents, with smaller tiles as long as the memory does not do."""
        flow, sampling = self.flow, self.stage.sampling(settings)
        grow = flow.coupling.scale if is_latent else flow.coupling.scale / flow.encoder.downscale
        size = (math.ceil(start.shape[-2] * grow), math.ceil(start.shape[-1] * grow))
        tiling = self._tiling(size, len(start), sampling, settings.tile)
        while True:
            nfe, tiles = flow.nfe(sampling), 1 if tiling is None else count(size, tiling)
            progress.expect(None if nfe is None else tiles * nfe)
            execution = flow.execution(
                dtype=self.dtype, tiling=tiling, graphs=self.graphs, on_evaluation=progress.step, backend=self.backend
            )
            pipeline = flow.pipeline(sampling, execution)
            placed = start.to(self.device) if tiling is None else start.cpu()
            try:
                return pipeline.restore(placed, seeds, is_latent=is_latent, given=given)
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            tiling = self._halved(tiling, size, reason)  # outside of the handler, whose frames hold what failed
            progress.restart()

    def _tiling(self, size: Size, batch: int, sampling: Sampling, tile: int | str) -> Tiling | None:
        multiple = tile_planner.multiple_of(self.flow)
        if tile == "auto":
            self._costs = self._costs or self._measured()
            nfe = self.flow.nfe(sampling) or 8 * sampling.intervals
            return tile_planner.choose(size, batch, self._costs, nfe, multiple, self.device)
        tiling = tile_planner.tiling_of(-(-int(tile) // self.flow.encoder.downscale), multiple)
        return None if tile == 0 or tiling.side >= max(size) else tiling

    def _measured(self) -> tile_planner.Costs:
        try:
            return tile_planner.measure(self.flow, self.device)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            side = tile_planner.probed_sides(self.flow)[-1] * self.flow.encoder.downscale
            raise self._no_room(side, str(error)) from error

    def _no_room(self, pixels: int, reason: str) -> ValueError:
        return ValueError(f"not even tiles of {pixels} pixels fit the memory of {self.device} ({reason})")

    def _halved(self, tiling: Tiling | None, size: Size, reason: str) -> Tiling:
        side, pixels = max(size) if tiling is None else tiling.side, self.flow.encoder.downscale
        smaller = tile_planner.halved(side, tile_planner.multiple_of(self.flow))
        if smaller is None:
            raise self._no_room(side * pixels, reason)
        log.warning("out of memory with tiles of %d pixels, beginning again with %d (%s)",
                    side * pixels, smaller.side * pixels, reason)  # fmt: skip
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
        return smaller
