"""Text-to-image pipelines as sources of small latents."""

from cfmrestore.ldm.latent_pipeline import LatentPipeline

__all__ = ["LatentPipeline"]
