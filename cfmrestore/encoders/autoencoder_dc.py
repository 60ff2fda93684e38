"""The deep compression autoencoder of SANA: 32 pixels or more a latent sample."""

from cfmrestore.encoders.pretrained import PretrainedEncoder
from cfmrestore.registry import ENCODERS


@ENCODERS.register_module()
class AutoencoderDC(PretrainedEncoder):
    """diffusers' ``AutoencoderDC`` (Chen et al., 2024, arXiv:2410.10733): deterministic, few and deep latent samples.

    Args:
        path: A folder with config.json and weights, a ``.safetensors`` file beside its config.json, or a hub id.
        mirrors: Further places, tried in this order when the first one fails.
        sha256: Checksum of the weights file.
        subfolder: Where in a folder or a hub repository the model lies; "vae" in that of a pipeline.
        scale: Instead of the scaling_factor of the config.
        shift: Instead of 0; configs of this class have no shift.
    """

    diffusers_class = "AutoencoderDC"

    def find_downscale(self) -> int:
        return self.model.spatial_compression_ratio
