"""How the tensors of another project's network and of ours belong together."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

_SHOWN = 8  # names of each kind in a message

State = Mapping[str, Tensor]


def _same(tensor: Tensor) -> Tensor:
    return tensor


def _alone(tensor: Tensor) -> tuple[Tensor, ...]:
    return (tensor,)


@dataclass(frozen=True)
class Rename:
    """One tensor of ours, and what it is made of.

    Args:
        ours: Its name.
        theirs: Names of the other project's tensors, usually one.
        read: From theirs to ours.
        write: From ours to theirs.
    """

    ours: str
    theirs: tuple[str, ...]
    read: Callable[..., Tensor] = _same
    write: Callable[[Tensor], tuple[Tensor, ...]] = _alone


@dataclass(frozen=True)
class Layout:
    """A network of ours with the names that its tensors have elsewhere.

    Args:
        project: Whose they are, for messages.
        network: Config of our network.
        channels: Channels of x.
        context_channels: Channels of its context.
        side: Side of the latents that it was trained on, where the weights say it.
        classes: Classes that it knows, where it is told one.
        null_class: Whether it was trained without a class too.
        shapes: Shapes of our tensors.
        renames: One for each of ours.
        constants: Tensors that theirs stores and ours computes.
    """

    project: str
    network: dict[str, Any]
    channels: int
    context_channels: int
    side: int | None
    classes: int | None
    null_class: bool
    shapes: Mapping[str, torch.Size]
    renames: Sequence[Rename]
    constants: Mapping[str, Tensor] = field(default_factory=dict)

    def read(self, theirs: State) -> dict[str, Tensor]:
        """Our tensors; one message names all of theirs that are missing, unknown or of another shape."""
        expected = {name for rename in self.renames for name in rename.theirs} | self.constants.keys()
        problems = [
            ("missing", sorted(expected - theirs.keys())),
            ("unknown", sorted(theirs.keys() - expected)),
            ("not as it is computed", [name for name, value in self.constants.items()
                                       if name in theirs and not _close(theirs[name], value)]),
        ]  # fmt: skip
        ours: dict[str, Tensor] = {}
        if not any(names for _, names in problems):
            ours = {one.ours: one.read(*(theirs[name] for name in one.theirs)) for one in self.renames}
            wrong = [f"{one.theirs[0]} {tuple(theirs[one.theirs[0]].shape)}" for one in self.renames
                     if ours[one.ours].shape != self.shapes[one.ours]]  # fmt: skip
            problems.append(("of another shape", wrong))
        if any(names for _, names in problems):
            told = "; ".join(f"{len(names)} {what}: {_listed(names)}" for what, names in problems if names)
            raise NotThisNetworkError(f"these weights are not of {self.project} as it is known here: {told}")
        return ours

    def write(self, ours: State) -> dict[str, Tensor]:
        """Their tensors."""
        theirs = {name: value.clone() for name, value in self.constants.items()}
        for rename in self.renames:
            theirs.update(zip(rename.theirs, rename.write(ours[rename.ours]), strict=True))
        return theirs


class NotThisNetworkError(ValueError):
    """Weights that are not of the network that they were said to be of."""


def shape_of(state: State, name: str, project: str) -> torch.Size:
    """The shape of a tensor by which a network is recognized."""
    if name not in state:
        raise NotThisNetworkError(f"these weights are not of {project}: there is no {name!r} among {_listed(state)}")
    return state[name].shape


def shapes_of(build: Callable[[], nn.Module]) -> dict[str, torch.Size]:
    """Shapes of the tensors of a network, which takes no memory."""
    with torch.device("meta"):
        return {name: value.shape for name, value in build().state_dict().items()}


def with_null_row(table: Tensor) -> Tensor:
    """A table of classes with a vector of zeros for none."""
    return torch.cat([table, table.new_zeros(1, table.shape[1])])


def _close(value: Tensor, expected: Tensor) -> bool:
    return value.shape == expected.shape and torch.allclose(value.to(expected), expected, atol=1e-4)


def _listed(names: Iterable[str]) -> str:
    names = list(names)
    rest = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return (", ".join(names[:_SHOWN]) or "none") + rest
