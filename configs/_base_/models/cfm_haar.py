# Coupled flow matching on wavelet latents, with the U-Net of 62.7 M parameters of cfm_realsr: for recipes of your own,
# which say scale, degradation and target.
model = dict(
    type="CouplingFlow",
    scale="${scale}",
    data_preprocessor=dict(type="RestorationPreprocessor", degradation="${degradation}", target="${target}"),
    encoder=dict(type="Haar", factor=4),
    coupling=dict(type="LowresLatent", upsample="pixel", noise=64),
    path=dict(type="Linear"),
    network=dict(
        type="UNet",
        base_channels=128,
        channel_factors=(1, 2, 4),
        blocks=2,
        attention_factors=(4,),
        time_scale=1000.0,
        input_skip=True,
    ),
    channels_last=True,
    times=dict(type="Stratified", zero_probability=0.25),
    loss=dict(type="MSE"),
    sampling=dict(solver=dict(type="Euler"), grid=dict(type="UniformGrid"), num_intervals=4),
)
