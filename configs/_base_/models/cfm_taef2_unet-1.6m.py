# Coupled flow matching in the latents of FLUX.2, which TAEF2, a small distilled autoencoder, makes and decodes. A
# latent of 32 channels cannot be enlarged as pictures are, so the path starts at what is decoded, enlarged and encoded
# again. A U-Net of one level and 1.6 M parameters, and a flow map. The recipe says scale, degradation and target.
encoder_path = "data/weights/taef2"  # the folder of taef2_encoder.pth and taef2_decoder.pth
model = dict(
    type="CouplingFlow",
    scale="${scale}",
    data_preprocessor=dict(type="RestorationPreprocessor", degradation="${degradation}", target="${target}"),
    encoder=dict(type="TAEF2", path="${encoder_path}"),
    coupling=dict(type="LowresLatent", upsample="decoded", noise=64),
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
        flow_map=True,
    ),
    channels_last=True,
    times=dict(type="Stratified", zero_probability=0.5),
    loss=[dict(type="MSE"), dict(type="TargetMSE", steps=0)],
    sampling=dict(solver=dict(type="FlowMapEuler", dial=True), num_intervals=1, color="wavelet"),
)
