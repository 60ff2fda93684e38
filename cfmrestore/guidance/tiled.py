"""A velocity that is asked tile by tile, and put together before the solver takes its step."""

from collections.abc import Callable

import torch
from torch import Tensor

from cfmrestore.ops.tiles import Cut, Tiling, by_tiles
from cfmrestore.typing import Condition, Latent, Time


class Tiled:
    """v(x, t) of a large x: neighbors agree at every step, so that no seam can grow.

    Args:
        ask: v(x, t, condition) of a tile, on its own device.
        condition: What the network is told of the whole image; maps are cut as x is.
        tiling: The tiles, in latent samples.
        device: Where the network is.
        on_tile: Called after each tile.
    """

    def __init__(
        self,
        ask: Callable[[Latent, Time, Condition], Latent],
        condition: Condition,
        tiling: Tiling,
        device: torch.device,
        on_tile: Callable[[], None] | None = None,
    ) -> None:
        self.ask, self.condition, self.tiling, self.device = ask, condition, tiling, device
        self.on_tile = on_tile or (lambda: None)

    def __call__(self, x: Latent, t: Time) -> Latent:
        def one(cut: Cut) -> Tensor:
            told = {name: (cut(c) if c.dim() == 4 else c).to(self.device) for name, c in self.condition.items()}
            v = self.ask(cut(x).to(self.device), t.to(self.device), told).to(x.device)
            self.on_tile()
            return v

        return by_tiles(one, (x.shape[-2], x.shape[-1]), self.tiling)
