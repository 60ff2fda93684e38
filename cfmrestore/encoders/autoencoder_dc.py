"""The deep compression autoencoder of SANA: 32 pixels or more a latent sample."""

from cfmrestore.encoders.pretrained import PretrainedEncoder
from cfmrestore.registry import ENCODERS


@ENCODERS.register_module()
class AutoencoderDC(PretrainedEncoder):
    """diffusers' ``AutoencoderDC`` (Chen et al., 2024, arXiv:2410.10733): deterministic, few and deep latent samples.

    Args:
        path, mirrors, sha256, subfolder, scale: As of ``PretrainedEncoder``.
        shift: Instead of 0; configs of this class have no shift.
    """

    diffusers_class = "AutoencoderDC"

    def find_downscale(self) -> int:
        return self.model.spatial_compression_ratio
