"""A small distilled autoencoder (TAESD): the latent space of a large one at a hundredth of its cost."""

from cfmrestore.encoders.pretrained import PretrainedEncoder
from cfmrestore.registry import ENCODERS


@ENCODERS.register_module()
class AutoencoderTiny(PretrainedEncoder):
    """diffusers' ``AutoencoderTiny`` (madebyollin/taesd): deterministic, of raw latents that are standardized already.

    Its published configs say scale 1 and shift 0: what comes out is what a diffusion model trained with the large
    autoencoder takes. ``latent_magnitude`` and ``latent_shift`` of a config serve to store latents as bytes, which
    is not done here.

    Args:
        path: A folder with config.json and weights, or a hub id; diffusers reads no single file of this class.
        mirrors, sha256, subfolder, scale, shift: As of ``PretrainedEncoder``.
    """

    diffusers_class = "AutoencoderTiny"

    def find_downscale(self) -> int:
        return 2 ** (len(self.model.config.encoder_block_out_channels) - 1)
