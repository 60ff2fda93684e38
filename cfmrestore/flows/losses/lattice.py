"""The pattern of a fixed period that a restored image has and its target has not."""

from torch import Tensor
from torch.nn import functional as F

from cfmrestore.flows.losses.base import PictureLoss, per_image
from cfmrestore.ops.rng import ImageRng
from cfmrestore.registry import LOSSES
from cfmrestore.typing import Image, PerImage


def lattice(error: Tensor, period: int, window: int) -> Tensor:
    r"""What an image has, in a neighborhood, at each of the :math:`p^2` places of a lattice of period p.

    .. math:: a_k = g * \Big( e_k - \frac1{p^2} \sum_l e_l \Big), \qquad e_k(u) = e(p u + k)

    where g is the mean of window x window periods: of the Fourier transform what lies near the multiples of 1/p, but
    for zero.
    """
    phases = F.pixel_unshuffle(error, period).unflatten(1, (error.shape[1], period**2))
    phases = phases - phases.mean(dim=2, keepdim=True)
    return F.avg_pool2d(phases.flatten(1, 2), window, stride=1)


@LOSSES.register_module()
class Lattice(PictureLoss):
    r"""The mean of :math:`a_k^2`, what the error has at the places of a lattice (:func:`lattice`).

    A decoder of blocks, and a network of features that strides, leave their period p in what is trained by them: in
    textures there are dots and lines in step with the blocks, which features take for detail. The error of a lattice
    keeps its sign from period to period, and that of detail does not: the mean over a neighborhood leaves the first
    alone. A lattice counts as much as in a mean square, white error less, by a factor of :math:`(1 - p^{-2}) / s^2`
    with s the window.

    Args:
        period: p, in pixels: the encoder's factor.
        window: Side of the neighborhood, in periods.
        steps: Steps of a flow map; None takes the mean given x_t, and 0 one step whose dial stands anywhere.
        weight: Factor on it in the sum of losses.
    """

    def __init__(self, *, period: int = 4, window: int = 4, steps: int | None = None, weight: float = 1.0) -> None:
        super().__init__(steps=steps, weight=weight)
        if min(period, window) < 2:
            raise ValueError(f"a lattice has a period and a window of 2 or more; got {period} and {window}")
        self.period, self.window = period, window

    def compare(self, image: Image, target: Image, rng: ImageRng) -> PerImage:
        del rng  # it looks everywhere
        error = image - target
        height, width = (side // self.period * self.period for side in error.shape[-2:])
        if min(height, width) < (seen := self.period * self.window):
            raise ValueError(f"Lattice looks at {seen} pixels, and the crops have {height} x {width}: larger crops")
        return per_image(lattice(error[..., :height, :width], self.period, self.window).square())
