"""Tiles of a flow that fit the memory, and smaller ones where they did not."""

import logging
from collections.abc import Iterator

import torch

from cfmrestore.flows import CouplingFlow
from cfmrestore.ops.tiles import Tiling, count
from cfmrestore.restore import tile_planner
from cfmrestore.restore.free_memory import is_out_of_memory
from cfmrestore.restore.progress import Progress
from cfmrestore.typing import Size

log = logging.getLogger("cfmrestore")


class Attempt:
    """A context that is left without an error where the memory is too small.

    Args:
        tiling: The tiles to take; None for the whole.
    """

    def __init__(self, tiling: Tiling | None) -> None:
        self.tiling, self.reason = tiling, ""

    def __enter__(self) -> Tiling | None:
        return self.tiling

    def __exit__(self, kind: object, error: BaseException | None, frames: object) -> bool:
        if not isinstance(error, RuntimeError | MemoryError) or not is_out_of_memory(error):
            return False
        self.reason = _first_line(error)
        return True


class TileFallback:
    """Evaluates a flow on latents of any size.

    Args:
        flow: Whose network is evaluated tile by tile.
        device: Where it is.
    """

    def __init__(self, flow: CouplingFlow, device: torch.device) -> None:
        self.flow, self.device = flow, device
        self._costs: tile_planner.Costs | None = None

    def attempts(
        self,
        size: Size,
        *,
        tile: int | str,
        batch: int,
        evaluations: int,
        progress: Progress,
        is_counted: bool = True,
    ) -> Iterator["Attempt"]:
        """Attempts by the planned tiles and then by half of those before, as long as the memory was too small.

        Args:
            size: Of the latent.
            tile: As of ``Settings``.
            batch: Of the latent.
            evaluations: Of the network a tile.
            progress: Is told how many to expect.
            is_counted: Whether it is known that these are all.
        """
        tiling = self._planned(size, batch, evaluations, tile)
        while True:
            tiles = 1 if tiling is None else count(size, tiling)
            progress.expect(tiles * evaluations if is_counted else None)
            yield (attempt := Attempt(tiling))
            tiling = self._halved(tiling, size, attempt.reason)
            progress.restart()

    def _planned(self, size: Size, batch: int, evaluations: int, tile: int | str) -> Tiling | None:
        multiple = tile_planner.multiple_of(self.flow)
        if tile == "auto":
            self._costs = self._costs or self._measured()
            return tile_planner.choose(size, batch, self._costs, evaluations, multiple, self.device)
        tiling = tile_planner.tiling_of(-(-int(tile) // self.flow.encoder.downscale), multiple)
        return None if tile == 0 or tiling.side >= max(size) else tiling

    def _measured(self) -> tile_planner.Costs:
        try:
            return tile_planner.measure(self.flow, self.device)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            side = tile_planner.probed_sides(self.flow)[-1] * self.flow.encoder.downscale
            raise self._no_room(side, _first_line(error)) from error

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


def _first_line(error: BaseException) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
