# Twice as large pictures from FLUX.1: `cfm_unet-1.6m_flux2-x2.py` in the latents of its autoencoder, 16
# channels of 8x8 pixels. encoder_path is the folder vae of the model. `cfm_unet-1.6m_flux2-x2_perceptual.py` goes on
# with model.encoder.type=AutoencoderKL, encoder_path and load_from.
_base_ = "cfm_unet-1.6m_flux2-x2.py"
encoder_path = "data/weights/flux1-vae"
model = dict(encoder=dict(type="AutoencoderKL"))
