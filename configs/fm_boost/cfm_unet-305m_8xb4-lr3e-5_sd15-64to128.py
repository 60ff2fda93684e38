# FMBoost's 64 -> 128 recipe in the latents of Stable Diffusion 1.5, value for value: 512x512 inputs, 1024x1024 targets.
# model.encoder.path takes the folder of an SD 1.x autoencoder.
_base_ = ["../_base_/default_runtime.py", "../_base_/datasets/photographs.py"]
crop_size = 1024
scale = 2

model = dict(
    type="CouplingFlow",
    scale="${scale}",
    # The low-resolution image is the target, halved bilinearly without antialiasing.
    data_preprocessor=dict(
        type="RestorationPreprocessor",
        degradation=dict(type="Downscale", scale="${scale}", kernel="bilinear", antialias=False),
    ),
    encoder=dict(type="AutoencoderKL", path="data/weights/sd15-vae", scale=0.18215, shift=0.0, posterior="mode"),
    coupling=dict(type="LowresLatent", upsample="bilinear", noise=400, table="cosine"),
    path=dict(type="Linear", sigma_min=0.0),
    network=dict(
        type="UNet",
        base_channels=128,
        channel_factors=(1, 2, 4, 8),
        blocks=3,
        attention_factors=(8,),
        heads=4,
        head_dim=64,
        dropout=0.0,
        time_scale=1.0,
    ),
    times=dict(type="Uniform"),
    loss=dict(type="MSE"),
    sampling=dict(solver=dict(type="Euler"), grid=dict(type="UniformGrid"), num_intervals=40),
)
train_dataloader = dict(batch_size=4, dataset=dict(cache_images=0))
train_cfg = dict(by_epoch=False, max_iters=400_000, val_interval=5000)
optim_wrapper = dict(type="AmpOptimWrapper", optimizer=dict(type="Adam", lr=3e-5, weight_decay=0.0))
# From 0 to the full rate over 1000 steps, then constant.
param_scheduler = [dict(type="LinearLR", start_factor=1e-3, by_epoch=False, begin=0, end=1000)]
custom_hooks = [
    dict(type="EMAHook", decay=0.999, update_after=1000, inv_gamma=1.0, power=0.75),
    dict(type="SampleGridHook", num_images=4),
    dict(type="PreemptionHook"),
]
default_hooks = dict(checkpoint=dict(interval=10_000, max_keep_ckpts=-1))
randomness = dict(seed=2024)
auto_scale_lr = dict(base_batch_size=32)
