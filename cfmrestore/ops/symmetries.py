"""The eight symmetries of the square: quarter turns, and each of them mirrored."""

import torch
from torch import Tensor

ORDER = 8


def turned(x: Tensor, symmetry: int) -> Tensor:
    """Planes under the symmetry of that number: mirrored from 4 on, and turned by so many quarters; 0 leaves them."""
    return torch.rot90(x.flip(-1) if symmetry >= 4 else x, symmetry % 4, (-2, -1))


def turned_back(x: Tensor, symmetry: int) -> Tensor:
    """What was turned so, as it was."""
    straight = torch.rot90(x, -(symmetry % 4), (-2, -1))
    return straight.flip(-1) if symmetry >= 4 else straight
