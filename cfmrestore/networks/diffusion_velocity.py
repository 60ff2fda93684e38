"""A diffusion model as a velocity."""

from typing import Any

from torch import Tensor

from cfmrestore.networks.wrapper import NetworkWrapper
from cfmrestore.ops.broadcast import expand_as
from cfmrestore.ops.diffusion_schedule import Schedule, alpha_bar, step_of_ratio
from cfmrestore.registry import NETWORKS
from cfmrestore.typing import Latent, PerImage

PREDICTIONS = ("noise", "velocity", "data")


@NETWORKS.register_module()
class DiffusionVelocity(NetworkWrapper):
    r"""A network that was trained to tell noise from data, on the path and the clock of a flow.

    The diffusion has at its step s the signal :math:`\bar\alpha_s`: there the network sees
    :math:`z_s = a_s x_1 + b_s x_0` with :math:`a_s = \sqrt{\bar\alpha_s}` and :math:`b_s = \sqrt{1 - \bar\alpha_s}`. A
    path :math:`x_t = \alpha_t x_1 + \sigma_t x_0` has the same ratio of signal and noise at one step, whose point is
    that of the path but for its length,

    .. math::
        \frac{a_s}{b_s} = \frac{\alpha_t}{\sigma_t}, \qquad z_s = \frac{x_t}{\sqrt{\alpha_t^2 + \sigma_t^2}},
        \qquad a_s = \frac{\alpha_t}{\sqrt{\alpha_t^2 + \sigma_t^2}}, \qquad
        b_s = \frac{\sigma_t}{\sqrt{\alpha_t^2 + \sigma_t^2}} .

    From what is predicted follow both ends and the velocity :math:`v = \alpha'_t \hat x_1 + \sigma'_t \hat x_0`:

    .. math::
        \text{noise } \hat\epsilon &: & \hat x_1 &= (z_s - b_s \hat\epsilon) / a_s, & \hat x_0 &= \hat\epsilon \\
        \text{velocity } \hat u = a_s \hat x_0 - b_s \hat x_1 &: & \hat x_1 &= a_s z_s - b_s \hat u,
        & \hat x_0 &= b_s z_s + a_s \hat u \\
        \text{data } \hat x_1 &: & & & \hat x_0 &= (z_s - a_s \hat x_1) / b_s

    Where the path has less signal than the last step or less noise than the first the network is told that step, and
    the data is predicted with a or b of that step. On the path ``StraightDiffusion`` Euler's method is DDIM, step for
    step; the grid ``DiffusionGrid`` asks the network at whole steps.

    References: Ho et al., 2020, equation 15 (arXiv:2006.11239); Salimans and Ho, 2022, appendix D (arXiv:2202.00512).

    Args:
        network: The network, or its config; it is told the step, counted from 0, as its time.
        path: The path of the flow.
        channels: Channels of x and of the velocity.
        context_channels: Channels of the context.
        embedding_channels: Channels of the embedding.
        noise_level: Whether the noise level of the source is told.
        prediction: "noise", epsilon; "velocity", that of Salimans and Ho; "data".
        schedule: The diffusion that was trained: "linear", "scaled_linear", "squared_cosine" or "cosine", or a curve
            and its numbers, as in ``ops.diffusion_schedule``.
        discrete: Round steps to whole ones, which alone were trained.
    """

    def __init__(
        self,
        *,
        network: Any,
        path: Any,
        channels: int,
        context_channels: int = 0,
        embedding_channels: int = 0,
        noise_level: bool = False,
        prediction: str = "noise",
        schedule: Schedule = "linear",
        discrete: bool = True,
    ) -> None:
        super().__init__(
            network=network,
            channels=channels,
            context_channels=context_channels,
            embedding_channels=embedding_channels,
            noise_level=noise_level,
        )
        if prediction not in PREDICTIONS:
            raise ValueError(f"prediction is one of {', '.join(map(repr, PREDICTIONS))}; got {prediction!r}")
        kept = alpha_bar(schedule)
        self.path, self.prediction, self.schedule, self.discrete = path, prediction, schedule, discrete
        self.least_signal, self.least_noise = float(kept[-1].sqrt()), float((1 - kept[0]).sqrt())

    def forward(self, x: Latent, t: PerImage, **conditioning: Tensor) -> Latent:
        c = self.path.coefficients(t.double())
        length = (c.alpha**2 + c.sigma**2).sqrt()
        step = step_of_ratio(c.alpha / c.sigma, self.schedule)
        told = (step.round() if self.discrete else step).to(t.dtype)
        a, b, length, d_alpha, d_sigma = (
            expand_as(k, x).to(x.dtype) for k in (c.alpha / length, c.sigma / length, length, c.d_alpha, c.d_sigma)
        )
        z = x / length
        x_1, x_0 = self._ends(self.network(z, told, **conditioning), z, a, b)
        return d_alpha * x_1 + d_sigma * x_0

    def _ends(self, predicted: Tensor, z: Tensor, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
        """The data and the noise of which z is made."""
        if self.prediction == "noise":
            return (z - b * predicted) / a.clamp_min(self.least_signal), predicted
        if self.prediction == "velocity":
            return a * z - b * predicted, b * z + a * predicted
        return predicted, (z - a * predicted) / b.clamp_min(self.least_noise)
