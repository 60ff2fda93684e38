"""Results of one step that drift towards real images."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from cfmrestore.flows.losses.base import per_image
from cfmrestore.flows.losses.generated import GeneratedLoss
from cfmrestore.flows.losses.spaces import Samples
from cfmrestore.ops.drift import drift
from cfmrestore.ops.gather import first_row, gather
from cfmrestore.registry import LOSSES
from cfmrestore.typing import PerImage


@LOSSES.register_module()
class Drifting(GeneratedLoss):
    r"""A regression of each result on where a field moves it: to real images, away from other results.

    .. math:: \left\| y / s - \mathrm{sg}(y / s + V(y / s)) \right\|^2, \qquad y = \phi(x_0 + u(x_0, 0, 1))

    with V of :func:`~cfmrestore.ops.drift.drift`, the results of all ranks as its negative samples but for the one that
    moves, the targets as its positive ones, and s the mean distance among them. No step is unrolled but the one. The
    number is :math:`|V|^2`, which with forces of a mean square of 1 says nothing of the progress: what tells is
    validation, in the features of another network.

    With ``draws``, each result is compared with the target of its own input and with the input's other results; then V
    is zero in the mean at the posterior, whatever M. It moves another map than the flow's: beside a loss that keeps the
    map, such as ``Shortcut``, it takes a small weight.

    Reference: Deng et al., 2026 (arXiv:2602.04770), which has memory banks of real images in place of a large batch.

    Args:
        temperatures: Distances at which results and targets act, in mean distances.
        normalize: Scale the force of each temperature to a mean square of 1.
        features, patches, draws, per_label, shift, chunk, weight: As for ``GeneratedLoss``.
    """

    def __init__(
        self,
        *,
        features: Any = "latent",
        patches: int = 0,
        temperatures: Sequence[float] = (0.02, 0.05, 0.2),
        normalize: bool = True,
        draws: int = 0,
        per_label: bool = False,
        shift: int = 0,
        chunk: int | None = None,
        weight: float = 1.0,
    ) -> None:
        super().__init__(
            features=features,
            patches=patches,
            draws=draws,
            per_label=per_label,
            shift=shift,
            chunk=chunk,
            weight=weight,
        )
        if not temperatures or not all(one > 0 for one in temperatures):
            raise ValueError(f"temperatures are positive; got {temperatures}")
        self.temperatures, self.normalize = tuple(temperatures), normalize

    def compare(self, generated: Samples, real: Samples, label: Tensor | None) -> PerImage:
        groups = self._groups(real, label)
        of = groups.repeat(max(self.draws, 1), 1)
        with torch.no_grad():
            scale, force = self._force(generated.flatten(0, 1), real.flatten(0, 1), of.flatten(), groups.flatten())
        y = generated / scale
        error = per_image((y - (y + force.view_as(y)).detach()).square())
        return error.unflatten(0, (-1, len(real))).mean(dim=0)

    def _groups(self, real: Samples, label: Tensor | None) -> Tensor:
        """Numbers (n, p): what has one is compared."""
        n, p = real.shape[:2]
        if self.draws:
            return torch.arange(n * p, device=real.device).view(n, p) + first_row(n * p)
        if self.per_label and label is not None:
            return label.long()[:, None].expand(n, p)
        return torch.zeros(n, p, dtype=torch.long, device=real.device)

    def _force(self, own: Tensor, real: Tensor, of: Tensor, group: Tensor) -> tuple[Tensor, Tensor]:
        """The unit of distance, and the force on each of this rank's results."""
        y, positive, y_group, group = gather(own), gather(real), gather(of), gather(group)
        near_positive, near = y_group[:, None] == group, y_group[:, None] == y_group
        near.fill_diagonal_(False)
        if not near.any():
            raise ValueError("Drifting needs two results or more that are compared: a larger batch, or draws")
        d = torch.cat([torch.cdist(y, positive)[near_positive], torch.cdist(y, y)[near]])
        scale = d.mean().clamp_min(1e-12)
        force = drift(
            y / scale, positive / scale, y / scale, temperatures=self.temperatures, near_positive=near_positive,
            near_negative=near, columns=not self.draws, normalize=self.normalize,
        )  # fmt: skip
        first = first_row(len(own))
        return scale, force[first : first + len(own)]
