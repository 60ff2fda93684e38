# Coupled flow matching on wavelet latents, with a U-Net of one level and 2.7 M parameters that sees the image at the
# size of the input, and is a flow map: one evaluation restores, whose dial it is told. The recipe says scale,
# degradation and target.
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
        blocks=8,
        attention_factors=(),
        middle_attention=False,
        groups=None,
        time_scale=1000.0,
        input_skip=True,
        flow_map=True,
    ),
    channels_last=True,
    times=dict(type="Stratified"),
    loss=[dict(type="MSE"), dict(type="TargetMSE", steps=0)],
    sampling=dict(solver=dict(type="FlowMapEuler", dial=True), num_intervals=1),
)
