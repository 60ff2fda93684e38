"""The variational autoencoder of latent diffusion: Stable Diffusion, SDXL, FLUX.1."""

from collections.abc import Sequence
from typing import Literal

from torch import Tensor

from cfmrestore.encoders.pretrained import PretrainedEncoder
from cfmrestore.ops.rng import ImageRng
from cfmrestore.ops.transfer import sent_to
from cfmrestore.registry import ENCODERS
from cfmrestore.typing import Image, Latent


@ENCODERS.register_module()
class AutoencoderKL(PretrainedEncoder):
    r"""diffusers' ``AutoencoderKL``: the posterior of a latent is a Gaussian, given by its moments.

    .. math::
        q(z \mid x) = N(\mu, \operatorname{diag}(e^{l})), \qquad (\mu, l) = E(2 x - 1), \quad -30 \le l \le 20

    FMBoost (Schusterbauer et al., 2024, arXiv:2312.07360) encodes with the mode, LFM (Dao et al., 2023,
    arXiv:2307.08698) with a sample. ``latents_mean`` and ``latents_std`` of a config, one number a channel, are not
    used.

    Args:
        path, mirrors, sha256, subfolder, scale, shift: As of ``PretrainedEncoder``.
        posterior: "mode" takes the mean; "sample" draws, and needs a generator.
    """

    diffusers_class = "AutoencoderKL"

    def __init__(
        self,
        *,
        path: str,
        mirrors: Sequence[str] = (),
        sha256: str | None = None,
        subfolder: str | None = None,
        scale: float | None = None,
        shift: float | None = None,
        posterior: Literal["mode", "sample"] = "mode",
    ) -> None:
        if posterior not in ("mode", "sample"):
            raise ValueError(f"posterior must be 'mode' or 'sample'; got {posterior!r}")
        super().__init__(path=path, mirrors=mirrors, sha256=sha256, subfolder=subfolder, scale=scale, shift=shift)
        self.posterior = posterior
        self.draws = posterior == "sample"

    def find_downscale(self) -> int:
        return 2 ** (len(self.model.config.block_out_channels) - 1)

    def moments(self, image: Image) -> Tensor:
        """Mean and log variance, concatenated along the channels."""
        return self.model.encode(2 * image - 1).latent_dist.parameters

    def sample(self, moments: Tensor, rng: ImageRng | None = None) -> Latent:
        mean, log_variance = moments.chunk(2, dim=1)
        if self.posterior == "mode":
            return super().sample(mean)
        if rng is None:
            raise ValueError("AutoencoderKL with posterior='sample' needs an rng; or set posterior='mode'")
        assert len(rng) == len(mean)
        std = (log_variance.clamp(-30, 20) / 2).exp()
        return super().sample(mean + std * sent_to(rng.normal(*mean.shape[1:]), mean))

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, posterior={self.posterior}"
