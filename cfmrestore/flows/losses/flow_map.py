"""What the losses of flow maps have in common: which steps are trained."""

from collections.abc import Sequence

import torch

from cfmrestore.flows.losses.base import Loss, Prediction
from cfmrestore.typing import PerImage


class FlowMapLoss(Loss):
    r"""A loss on steps of a flow map from t to r, :math:`x_r = x_t + (r - t)\, u(x_t, t, r)`.

    The steps are uniform on the triangle t < r; of a share of the images they are those that a sampling of few uniform
    steps takes, from :math:`t = n / K` to :math:`r = (n + 1) / K`. The velocity of the flow, u at r = t, is trained by
    ``MSE`` beside: without it the map of a flow would drift to that of another one.

    Args:
        intervals: Numbers K of steps.
        share: Of the images whose steps are those.
        weight: Factor on it in the sum of losses.
    """

    needs_flow_map = True

    def __init__(self, *, intervals: Sequence[int] = (1, 2, 4), share: float = 0.25, weight: float = 1.0) -> None:
        super().__init__(weight=weight)
        if not all(isinstance(k, int) and k > 0 for k in intervals) or not 0 <= share <= 1:
            raise ValueError(f"intervals are positive and share lies in [0, 1]; got {intervals=} and {share=}")
        self.intervals, self.share = tuple(intervals), share if intervals else 0.0

    def steps(self, prediction: Prediction) -> tuple[PerImage, PerImage]:
        """The times t and r of each image."""
        first, second, chosen, kind, place = prediction.rng.fork("steps").uniform(5).unbind(dim=1)
        t, r = torch.minimum(first, second), torch.maximum(first, second)
        if self.share > 0:
            counts = torch.tensor(self.intervals)[
                (kind * len(self.intervals)).long().clamp_max(len(self.intervals) - 1)
            ]
            n = (place * counts).floor().clamp_max(counts - 1)
            fixed = chosen < self.share
            t, r = torch.where(fixed, n / counts, t), torch.where(fixed, (n + 1) / counts, r)
        return t.to(prediction.x_t, non_blocking=True), r.to(prediction.x_t, non_blocking=True)
