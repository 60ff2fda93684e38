"""A start at the mean of what the input may come from, which a regression network gives."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor

from cfmrestore.couplings.lowres_latent import LowresLatent
from cfmrestore.encoders.base import Encoder
from cfmrestore.execution import Execution
from cfmrestore.hub import check_weights, read_meta, read_weights
from cfmrestore.ops.rng import ImageRng
from cfmrestore.registry import COUPLINGS, NETWORKS
from cfmrestore.typing import Latent, Source

_PREFIX = "network."  # of the network in a flow's checkpoint


@COUPLINGS.register_module()
class PosteriorMean(LowresLatent):
    r"""The coupling of posterior-mean rectified flow: from the regression's answer to the data.

    .. math:: \bar x = c + r(c), \qquad
        x_0 = \sqrt{\bar\alpha}\, \bar x + \sqrt{1 - \bar\alpha}\, \epsilon, \qquad
        r = \arg\min E \| c + r(c) - x_1 \|^2

    With :math:`r` the minimum, :math:`\bar x = E[x_1 | c]`. The optimal transport of it to the data has the smallest
    squared error of all estimators that are distributed as the data; the flow, which sees :math:`x_t` alone, has
    it for one Gaussian as the noise becomes small: :math:`2 s^2 (1 - \sqrt\rho)` where drawing from the posterior has
    :math:`2 s^2 (1 - \rho)`, with :math:`\rho` the part of the variance that :math:`\bar x` explains. A
    network that is told :math:`\bar x`, by the condition ``LowRes``, draws from the posterior of it.

    The regression is a flow of ``LowresLatent(noise=None)`` trained at t = 0, whose velocity there is r; its weights go
    into the checkpoint of this flow, and it costs one evaluation. A fidelity of 1 is its answer.

    Reference: Ohayon et al., 2024, section 3 (arXiv:2410.00418), whose start is not scaled by
    :math:`\sqrt{\bar\alpha}`.

    Args:
        encoder: The space in which the flow runs.
        network: The regression's network.
        weights: A safetensors file of the regression's training; read when a training begins.
        scale: As for ``LowresLatent``, like the rest.
        upsample: How the input is enlarged for the regression.
        noise: Diffusion step of the noise at the start.
        table: Table of the noise.
        restore_noise: Diffusion step at test time, where ``noise`` is a pair.
    """

    conditions: ClassVar[Sequence[Mapping[str, Any]]] = ()
    extra_nfe = 1
    gives_estimate = True

    def __init__(
        self,
        *,
        encoder: Encoder,
        network: dict[str, Any],
        weights: str | Path | None = None,
        scale: int = 1,
        upsample: str = "pixel",
        noise: int | Sequence[int] | None = 64,
        table: str = "cosine",
        restore_noise: int | None = None,
    ) -> None:
        super().__init__(
            encoder=encoder, scale=scale, upsample=upsample, noise=noise, table=table, restore_noise=restore_noise
        )
        if self.filled:
            raise ValueError("a posterior mean has no samples to fill with noise: take another upsample")
        channels = {"channels": encoder.channels, "context_channels": encoder.channels, "noise_level": False}
        self.network = NETWORKS.build(network, default_args=channels).requires_grad_(False).eval()
        self.weights = weights

    def begin_training(self) -> None:
        if self.weights is None:
            raise ValueError("the coupling PosteriorMean needs the regression's weights: weights=FILE.safetensors")
        file = Path(self.weights).expanduser()
        if file.suffix != ".safetensors" or not file.is_file():
            raise ValueError(
                f"there is no file {str(file)!r} of weights: name the .safetensors beside a checkpoint of the "
                "regression's training"
            )
        held = read_weights(file)
        self._check_origin(file)
        weights = {key.removeprefix(_PREFIX): value for key, value in held.items() if key.startswith(_PREFIX)}
        assert self.network is not None
        check_weights(weights, self.network.state_dict(), file)
        self.network.load_state_dict(weights)

    def _check_origin(self, file: Path) -> None:
        """Refuse a flow that starts at noise, or of another space, or whose velocity at t = 0 is not x_1 - c."""
        meta = read_meta(file)
        model = meta.get("model", {})
        coupling = model.get("coupling", {})
        if coupling.get("type") != "LowresLatent" or coupling.get("noise", 400) is not None:
            raise ValueError(f"{file} is no regression: train one with coupling=dict(type='LowresLatent', noise=None)")
        digest = meta.get("encoder", {}).get("digest")
        if digest != self.encoder.digest():
            raise ValueError(
                f"{file} was trained in the space of another encoder ({digest}; here {self.encoder.digest()})"
            )

        path = {"type": "Linear", **(model.get("path") or {})}
        trained = (path["type"], path.get("sigma_min", 0), model.get("scale", 4), coupling.get("upsample", "pixel"))
        for what, found, needed in zip(
            ("path", "sigma_min", "scale", "upsample"), trained, ("Linear", 0, self.scale, self.upsample), strict=True
        ):
            if found != needed:
                raise ValueError(f"{file} was trained with {what} {found!r}; this start needs one of {needed!r}")

    @torch.no_grad()
    def _noised(self, c: Latent, rng: ImageRng, step: Tensor | None, execution: Execution) -> Source:
        assert self.network is not None
        r = execution.velocity(self.network, {"context": c})
        mean = c + r(c, torch.zeros((), dtype=c.dtype, device=c.device))
        return replace(super()._noised(mean, rng, step, execution), estimate=mean)
