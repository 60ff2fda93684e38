"""Boundary of an attribute: a hyperplane between the points of images that have it and of those that do not."""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from cfmrestore.imageio.atomic import atomic
from cfmrestore.typing import Features, PerImage

SPACES = ("latent", "bottleneck")
_FORMAT = "cfmrestore-boundary-1"
_TENSORS = ("normal", "direction")
_PARALLEL = 1e-3  # least singular value of what boundaries do to each other
_UNIT = 1e-3  # how far from 1 what is 1 may be in a file


@dataclass(frozen=True, kw_only=True)
class Boundary:
    r"""The hyperplane :math:`d(z) = \langle z, n \rangle + b = 0` of an attribute, in the points of a flow at one time.

    A distance is told in standard deviations of d over the images that the boundary was fitted to, half of each class:
    a unit that does not depend on the dimension. The means of the classes lie at most two of them apart, since with
    means :math:`\pm \Delta / 2` and a variance :math:`w^2` within classes :math:`s^2 = w^2 + \Delta^2 / 4`.

    References: Shen et al., 2020, InterFaceGAN (arXiv:1907.10786); Zhu et al., 2023, BoundaryDiffusion
    (arXiv:2302.08357), which leave out b and tell distances in the unit of the space.

    An edit moves points along a direction a by which the distance grows by one, :math:`\langle a, n \rangle = 1`: the
    normal itself, or :math:`\Sigma n / (n^\top \Sigma n)` with the covariance of the points, the mean way from points
    to others whose distance is larger (Haufe et al., 2014, on the patterns of linear models). A normal that separates
    best leans on what varies least, of which pictures show little.

    Args:
        normal: n, of length 1, in the shape of a point.
        direction: a, in the same shape.
        intercept: b.
        std: s, the standard deviation of d.
        time: The time of the points, 0 the source, 1 the data.
        attribute: What lies on the positive side.
        accuracy: Mean of both classes' shares on their side, of images that were held out.
        space: "latent", points of the flow; "bottleneck", what its network makes of them in its middle.
        model: Digest of the flow's weights.
        guidance: Scale of classifier-free guidance with which points were encoded: 0 is no condition.
    """

    normal: Tensor
    direction: Tensor
    intercept: float
    std: float
    time: float
    attribute: str
    accuracy: float
    space: str = "latent"
    model: str = ""
    guidance: float = 1.0

    def __post_init__(self) -> None:
        numbers = (self.intercept, self.std, self.time, self.accuracy, self.guidance)
        if not all(isinstance(number, int | float) and math.isfinite(number) for number in numbers):
            raise ValueError(f"a boundary's intercept, std, time, accuracy and guidance are numbers; got {numbers}")
        if not isinstance(self.attribute, str) or not isinstance(self.model, str):
            raise ValueError(f"a boundary's attribute and model are texts; got {self.attribute!r} and {self.model!r}")
        if self.space not in SPACES:
            raise ValueError(f"a boundary's space is one of {', '.join(SPACES)}; got {self.space!r}")
        if not (self.std > 0 and 0 <= self.time <= 1 and 0 <= self.accuracy <= 1 and self.guidance >= 0):
            raise ValueError(
                "a boundary has std > 0, time and accuracy in [0, 1] and guidance of 0 or more; got "
                f"std={self.std}, time={self.time}, accuracy={self.accuracy}, guidance={self.guidance}"
            )
        length = float(self.normal.double().norm())
        if not abs(length - 1) < _UNIT:  # also of what is not finite
            raise ValueError(f"a boundary's normal has length 1; got {length}")
        if self.direction.shape != self.normal.shape:
            raise ValueError(
                f"a boundary's direction has the shape of its normal; got {tuple(self.direction.shape)} and "
                f"{tuple(self.normal.shape)}"
            )
        growth = float((self.direction.double() * self.normal.double()).sum())
        if not abs(growth - 1) < _UNIT:
            raise ValueError(f"along a boundary's direction the distance grows by 1; got {growth}")

    def distance(self, points: Features) -> PerImage:
        """The signed distances d(z)."""
        self.check(points)
        normal = self.normal.to(points)
        return (points * normal).flatten(1).sum(dim=1) + self.intercept

    def check(self, points: Features) -> None:
        """Refuse points of another shape."""
        if points.shape[1:] != self.normal.shape:
            raise ValueError(
                f"the boundary of {self.attribute!r} is of points of shape {tuple(self.normal.shape)}, these have "
                f"{tuple(points.shape[1:])}: it fits images of the size that it was fitted to"
            )

    def save(self, path: str | Path) -> None:
        """Write it as safetensors."""
        from safetensors import SafetensorError
        from safetensors.torch import save_file

        told = {key: value for key, value in asdict(self).items() if key not in _TENSORS}
        text = json.dumps({**told, "shape": list(self.normal.shape)})
        tensors = {name: getattr(self, name).detach().float().cpu().clone().contiguous() for name in _TENSORS}
        try:
            with atomic(path) as unfinished:
                save_file(tensors, unfinished, metadata={"format": _FORMAT, "boundary": text})
        except SafetensorError as error:  # its word for what the disk says
            raise ValueError(f"{str(path)!r} cannot be written: {error}") from error

    @classmethod
    def load(cls, path: str | Path) -> "Boundary":
        """Read what ``save`` has written; nothing in the file is executed."""
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(path, framework="pt") as file:
                meta = file.metadata() or {}
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        except (OSError, SafetensorError) as error:
            raise ValueError(f"{str(path)!r} is no file of a boundary: {error}") from error
        if meta.get("format") != _FORMAT or tensors.keys() != set(_TENSORS):
            raise ValueError(f"{str(path)!r} is no boundary: fit one with cfmrestore fit-boundary")
        try:
            return cls._from(tensors, json.loads(meta.get("boundary", "")))
        except (ValueError, TypeError, KeyError) as error:
            raise ValueError(f"{str(path)!r} is no whole boundary: {error}") from error

    @classmethod
    def _from(cls, tensors: dict[str, Tensor], told: Any) -> "Boundary":
        expected = {field.name for field in fields(cls)} - set(_TENSORS) | {"shape"}
        if not isinstance(told, Mapping) or told.keys() != expected:
            raise ValueError(f"it tells {', '.join(sorted(expected))}")
        shape = list(tensors["normal"].shape)
        if shape != told["shape"]:
            raise ValueError(f"its normal has the shape {shape}, and it says {told['shape']}")
        numbers = {key: value for key, value in told.items() if key != "shape"}
        return cls(normal=tensors["normal"], direction=tensors["direction"], **numbers)


def displacement(boundaries: Sequence[Boundary], changes: Float[Tensor, "k b"]) -> Features:
    r"""The move of points, by their boundaries' directions, that changes the distances from all by given amounts.

    With the normals as rows of N and the directions as rows of A it is

    .. math:: \delta = A^\top (N A^\top)^{-1} c , \qquad N \delta = c ,

    for one boundary :math:`c\, a`, and where directions are normals the shortest of all; a change of 0 keeps a
    distance.

    Args:
        boundaries: Of points of one shape.
        changes: c of each boundary and image.
    """
    stacked = [[getattr(one, name).flatten().double() for one in boundaries] for name in _TENSORS]
    normals, directions = (torch.stack(rows).to(changes.device) for rows in stacked)
    growth = normals @ directions.T
    if float(torch.linalg.svdvals(growth)[-1]) < _PARALLEL:
        names = ", ".join(one.attribute for one in boundaries)
        raise ValueError(f"the boundaries of {names} are parallel: moving one moves the other, take one of them")
    moves = torch.linalg.solve(growth, changes.double()).T @ directions
    return moves.view(-1, *boundaries[0].normal.shape).to(changes)


def weights_digest(*modules: nn.Module) -> str:
    """A fingerprint of all weights of networks: it tells which flow a boundary belongs to."""
    sha = hashlib.sha256()
    for module in modules:
        for name, value in sorted(module.state_dict().items()):
            sha.update(f"{name} {tuple(value.shape)}".encode())
            sha.update(value.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return sha.hexdigest()[:16]
