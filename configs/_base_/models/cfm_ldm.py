# Coupled flow matching in the latents of a latent-diffusion model: from the noised latent of a small picture, enlarged
# in the latent space itself, to that of the large one. What was trained lifts latents that were never decoded.
# The recipe says scale, degradation and target.
encoder_path = "data/weights/sd15-vae"  # the autoencoder of the diffusion model: its folder, or a hub id
model = dict(
    type="CouplingFlow",
    scale="${scale}",
    data_preprocessor=dict(type="RestorationPreprocessor", degradation="${degradation}", target="${target}"),
    encoder=dict(type="AutoencoderKL", path="${encoder_path}"),
    coupling=dict(type="LowresLatent", upsample="latent", noise=400, table="cosine"),
    path=dict(type="Linear"),
    network=dict(
        type="UNet",
        base_channels=128,
        channel_factors=(1, 2, 4, 8),
        blocks=3,
        attention_factors=(8,),
        heads=4,
        head_dim=64,
        time_scale=1000.0,
    ),
    channels_last=True,
    times=dict(type="Uniform"),
    loss=dict(type="MSE"),
    sampling=dict(solver=dict(type="Euler"), grid=dict(type="UniformGrid"), num_intervals=4),
)
