"""Law of the start in a graph, x_0 ~ N(mean, std^2), as any coupling says it of an input."""

from typing import Any, NoReturn

import torch
from torch import Tensor, nn

from cfmrestore.couplings.base import Coupling
from cfmrestore.execution import Execution
from cfmrestore.ops.rng import ImageRng
from cfmrestore.typing import Image, Source


class MeanRng(ImageRng):
    """Generators whose normal numbers are all 0, their mean, in a batch that a graph leaves open.

    Args:
        like: A tensor of that batch.
    """

    def __init__(self, like: Tensor) -> None:
        super().__init__(())
        self.like = like

    def __len__(self) -> int:
        self._refuse()

    def fork(self, name: str) -> ImageRng:
        del name
        return self

    def normal(self, *shape: int) -> Tensor:
        return torch.zeros((self.like.shape[0], *shape), device=self.like.device)

    def _refuse(self, *args: Any, **keys: Any) -> NoReturn:
        del args, keys
        raise ValueError(
            "a start in a graph is of a normal law: its coupling may draw standard normal numbers, of one shape for "
            "every image, and nothing else"
        )

    pick = uniform = poisson = integers = choice = new_seeds = _refuse


class CouplingLaw(nn.Module):
    """``Coupling.source``, whose draw is left to the graph.

    Args:
        coupling: The coupling.
        execution: How its encoder is run.
    """

    def __init__(self, coupling: Coupling, execution: Execution) -> None:
        super().__init__()
        self.coupling, self.encoder, self.execution = coupling, coupling.encoder, execution

    def forward(self, low: Image) -> Source:
        return self.coupling.source(low, MeanRng(low), self.execution)


@torch.no_grad()
def check_law(coupling: Coupling, execution: Execution) -> None:
    """Refuse starts whose mean or deviation is drawn, and those that are not their mean where all noise is 0."""
    side = 4 * coupling.low_multiple
    low = ImageRng([0]).uniform(3, side, side)
    certain = CouplingLaw(coupling, execution)(low)
    drawn = [coupling.source(low, ImageRng([seed]), execution) for seed in (1, 2)]
    same = all(
        torch.allclose(getattr(certain, name), getattr(source, name), atol=1e-5)
        for source in drawn
        for name in ("mean", "std", "lowres")
    )
    if not same or not torch.allclose(certain.x_0, certain.mean, atol=1e-5):
        raise ValueError(
            f"the start of {type(coupling).__name__} is no part of a graph: its source needs a mean, a std and a "
            "lowres that the image alone decides, and x_0 = mean + std * noise"
        )
