"""Text-to-image pipelines as sources of small latents."""

from cfmrestore.restore.pipelines.latent_pipeline import LatentPipeline

__all__ = ["LatentPipeline"]
