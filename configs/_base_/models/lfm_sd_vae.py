# Flow matching from noise in the latents of Stable Diffusion's autoencoder, as LFM has it (Dao et al., 2023,
# arXiv:2307.08698): z_t = (1 - t) z + (1e-5 + (1 - 1e-5) t) noise on its clock, which runs from data to noise, is this
# path on ours. The recipe says the network, and the conditions where there are any.
encoder_path = "data/weights/sd-vae-ft-mse"  # the folder of stabilityai/sd-vae-ft-mse, or a hub id
model = dict(
    type="CouplingFlow",
    scale=1,
    image_size=256,
    encoder=dict(type="AutoencoderKL", path="${encoder_path}", scale=0.18215, shift=0.0, posterior="sample"),
    coupling=dict(type="Independent"),
    conditions=[],
    path=dict(type="Linear", sigma_min=1e-5),
    times=dict(type="Uniform"),
    loss=dict(type="MSE"),
    sampling=dict(solver=dict(type="DoPri5", atol=1e-5, rtol=1e-5), grid=dict(type="UniformGrid"), num_intervals=1),
)
