"""One flow of a chain."""

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from cfmrestore.execution import CudaGraphs
from cfmrestore.execution.backends import Backend
from cfmrestore.flows import Restoration
from cfmrestore.restore.progress import Progress
from cfmrestore.restore.settings import Settings
from cfmrestore.restore.stages import Stage
from cfmrestore.restore.tile_fallback import TileFallback


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
        self.tiles = TileFallback(stage.flow, device)

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
        size, nfe = (math.ceil(start.shape[-2] * grow), math.ceil(start.shape[-1] * grow)), flow.nfe(sampling)
        for attempt in self.tiles.attempts(
            size,
            tile=settings.tile,
            batch=len(start),
            evaluations=nfe or 8 * sampling.intervals,
            progress=progress,
            is_counted=nfe is not None,
        ):
            with attempt as tiling:
                execution = flow.execution(
                    dtype=self.dtype,
                    tiling=tiling,
                    graphs=self.graphs,
                    on_evaluation=progress.step,
                    backend=self.backend,
                )
                placed = start.to(self.device) if tiling is None else start.cpu()
                return flow.pipeline(sampling, execution).restore(placed, seeds, is_latent=is_latent, given=given)
        raise AssertionError("attempts end by a result or an error")
