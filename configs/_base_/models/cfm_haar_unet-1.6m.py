# Coupled flow matching on wavelet latents, with a U-Net of one level and 1.6 M parameters that sees the image at the
# size of the input. The recipe says scale, degradation and target.
model = dict(
    type="CouplingFlow",
    scale="${scale}",
    data_preprocessor=dict(type="RestorationPreprocessor", degradation="${degradation}", target="${target}"),
    encoder=dict(type="Haar", factor=4),
    coupling=dict(type="LowresLatent", upsample="pixel", noise=64),
    path=dict(type="Linear"),
    network=dict(
        type="UNet",
        base_channels=64,
        channel_factors=(1,),
        blocks=4,
        attention_factors=(),
        middle_attention=False,
        groups=None,
        time_scale=1000.0,
        input_skip=True,
    ),
    channels_last=True,
    times=dict(type="Stratified", zero_probability=0.25),
    loss=dict(type="MSE"),
    sampling=dict(solver=dict(type="Euler"), grid=dict(type="UniformGrid"), num_intervals=4),
)
