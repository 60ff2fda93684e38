"""Time grid of the steps that a diffusion model was trained at."""

import torch
from torch import Tensor

from cfmrestore.ops.diffusion_schedule import Schedule, signal_to_noise
from cfmrestore.registry import GRIDS
from cfmrestore.solvers.grids.base import TimeGrid


@GRIDS.register_module()
class DiffusionGrid(TimeGrid):
    r"""Times of evenly chosen diffusion steps on the path ``StraightDiffusion``, and of the data.

    N intervals begin at the steps :math:`s_n = \operatorname{round}((S - 1)(N - 1 - n) / (N - 1))`, from the last to
    step 0, and the last one ends at the data: the respacing of ADM and DiT. With the spacing "trailing" they begin at
    :math:`s_n = \operatorname{round}(S (N - n) / N) - 1`, as far from each other as the last one is from the data: that
    of diffusers' name. With a and b of that path,

    .. math:: t_n = \frac{r\, b - a}{1 - a + r\, b}, \qquad r = \sqrt{\bar\alpha_{s_n} / (1 - \bar\alpha_{s_n})} .

    Reference: Nichol and Dhariwal, 2021, section 4 (arXiv:2102.09672).

    Args:
        schedule: Table of the diffusion, that of the path.
        spacing: "linspace" or "trailing".
    """

    default_intervals = 50

    def __init__(self, *, schedule: Schedule = "linear", spacing: str = "linspace") -> None:
        if spacing not in ("linspace", "trailing"):
            raise ValueError(f"spacing is 'linspace' or 'trailing'; got {spacing!r}")
        ratio = signal_to_noise(schedule)
        a, b = (ratio[-1] / (1 + ratio[-1] ** 2).sqrt(), 1 / (1 + ratio[-1] ** 2).sqrt())
        self.schedule, self.spacing = schedule, spacing
        self.times = (ratio * b - a) / (1 - a + ratio * b)
        self.times[-1] = 0  # what rounding leaves of it

    def warp(self, u: Tensor) -> Tensor:
        """The times of the equal intervals u, whose number decides which steps they are."""
        count, trained = len(u) - 1, len(self.times)
        if count > trained:
            raise ValueError(f"a diffusion of {trained} steps has no {count} intervals")
        left = torch.arange(count - 1, -1, -1, dtype=torch.float64)
        if self.spacing == "trailing":
            steps = ((left + 1) * trained / count).round().long() - 1
        else:
            steps = (left * (trained - 1) / (count - 1)).round().long() if count > 1 else torch.tensor([trained - 1])
        return torch.cat([self.times[steps], torch.ones(1, dtype=torch.float64)])
