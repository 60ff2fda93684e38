# Coupled flow matching in a wavelet packet, from a real-world degradation of the photographs: the name of a file in
# configs/degradations, the path of one, or a list of operators.
degradation = "blur_noise_jpeg"
target = []  # what makes the target of a photograph; a preset brings its own
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
