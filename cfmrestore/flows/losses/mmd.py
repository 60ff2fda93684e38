"""Results of few steps, whose features have the law of those of real images."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from cfmrestore.flows.losses.generated import GeneratedLoss
from cfmrestore.flows.losses.spaces import Samples
from cfmrestore.ops.gather import gather
from cfmrestore.ops.mmd import KERNELS, Kernel, kernel_of, kernel_score, of_patches, squared_mmd
from cfmrestore.registry import LOSSES
from cfmrestore.typing import PerImage


@LOSSES.register_module()
class MMD(GeneratedLoss):
    r"""The maximum mean discrepancy of what few steps make from real images, to finetune a trained flow.

    With features y of results and x of the batch's targets, gathered over all ranks, it is the unbiased estimate

    .. math:: \frac{1}{n (n - 1)} \sum_{i \ne j} \left[ k(y_i, y_j) + k(x_i, x_j) - 2 k(y_i, x_j) \right] ,

    one number of the batch, which may be negative. The pair i = j is left out of the last sum as well, since result and
    target have an input or a label in common. Patches make a kernel of images of one of their features: the mean over
    all pairs of places. With ``draws`` it is the kernel score of an input's results given its target
    (:func:`~cfmrestore.ops.mmd.kernel_score`), at the same places.

    What is trained is what is measured: choose by validation in the features of another network.

    References: Gretton et al., 2012, equation 4; for diffusion models Aiello et al., 2023 (arXiv:2301.07969).

    Args:
        kernel: "polynomial" of degree 3, as KID, "rbf", "laplace" or "energy".
        bandwidths: Of "rbf" and "laplace", whose mean over them is the kernel; in median distances of the real set,
            through which no gradient passes.
        features, patches, num_intervals, solver, grid, draws, per_label, shift, chunk, weight: As of
            ``GeneratedLoss``.
    """

    def __init__(
        self,
        *,
        features: Any = "latent",
        patches: int = 0,
        num_intervals: int | Sequence[int] = 2,
        kernel: str = "polynomial",
        bandwidths: Sequence[float] = (0.25, 0.5, 1.0, 2.0),
        solver: Any = None,
        grid: Any = None,
        draws: int = 0,
        per_label: bool = False,
        shift: int = 0,
        chunk: int | None = None,
        weight: float = 1.0,
    ) -> None:
        super().__init__(
            features=features, patches=patches, num_intervals=num_intervals, solver=solver, grid=grid, draws=draws,
            per_label=per_label, shift=shift, chunk=chunk, weight=weight,
        )  # fmt: skip
        if kernel not in KERNELS or not bandwidths or not all(one > 0 for one in bandwidths):
            raise ValueError(
                f"kernel is one of {', '.join(KERNELS)} and bandwidths are positive; got {kernel!r} and {bandwidths}"
            )
        self.kernel, self.bandwidths = kernel, tuple(bandwidths)

    def compare(self, generated: Samples, real: Samples, label: Tensor | None) -> PerImage:
        y, x = generated.double(), real.double()
        every_x = gather(x)
        kernel = kernel_of(self.kernel, every_x.flatten(0, 1), self.bandwidths)
        if self.draws:
            return kernel_score(y.unflatten(0, (self.draws, -1)).transpose(0, 1), x, kernel)
        labels = gather(label) if self.per_label and label is not None else None
        return self._of_sets(gather(y), every_x, kernel, labels).expand(len(real))

    def _of_sets(self, y: Samples, x: Samples, kernel: Kernel, label: Tensor | None) -> Tensor:
        kernel = of_patches(kernel)
        if label is None:
            return squared_mmd(x, y, kernel, paired=True)
        kinds = [(label == one).nonzero()[:, 0] for one in label.unique()]
        kinds = [rows for rows in kinds if len(rows) > 1]
        if not kinds:
            raise ValueError("MMD with per_label compares within a label, and this batch has two images of none")
        values = [len(rows) * squared_mmd(x[rows], y[rows], kernel, paired=True) for rows in kinds]
        return torch.stack(values).sum() / sum(map(len, kinds))
