# Real-world x4 super-resolution: blur, downscaling, noise and JPEG, undone by coupled flow matching on wavelet latents.
# The whole recipe; it runs on the bundled photographs, and on your own with --cfg-options data_root=... val_root=...
# A string "${name}" is the value of that key after --cfg-options.
_base_ = "_base_/default_runtime.py"
data_root = "data/photographs/train"
val_root = "data/photographs/held_out"
scale = 4
crop_size = 192  # of the targets
protocol = "classic_y"

# From what: operators in their order (or the name of a file in configs/degradations), and what is done to the target.
degradation = [
    dict(type="GaussianBlur", sigma=(0.2, 3.0), size=21),
    dict(type="Downscale", scale="${scale}"),
    dict(type="GaussianNoise", sigma=(1.0, 30.0), gray_probability=0.4),
    dict(type="JPEG", quality=(30, 95)),
]
target = []

model = dict(
    type="CouplingFlow",
    scale="${scale}",
    data_preprocessor=dict(type="RestorationPreprocessor", degradation="${degradation}", target="${target}"),
    encoder=dict(type="Haar", factor=4),  # in which space
    coupling=dict(type="LowresLatent", upsample="pixel", noise=64),  # from which start
    path=dict(type="Linear"),
    network=dict(  # 62.7 M parameters
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

train_pipeline = [
    dict(type="RandomCrop", size="${crop_size}"),
    dict(type="Albumentations", transforms=[dict(type="D4", p=1.0)]),
]
train_dataloader = dict(
    batch_size=16,
    num_workers=2,
    persistent_workers=True,
    sampler=dict(type="DrawSampler"),
    dataset=dict(type="ImageFolder", data_root="${data_root}", pipeline=train_pipeline, cache_images=64),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=0,
    sampler=dict(type="DefaultSampler", shuffle=False),
    dataset=dict(type="ImageFolder", data_root="${val_root}", pipeline=[dict(type="CenterCrop", multiple="${scale}")]),
)
test_dataloader = val_dataloader
val_evaluator = [dict(type="PSNR", protocol="${protocol}"), dict(type="SSIM", protocol="${protocol}"), dict(type="NFE")]
test_evaluator = val_evaluator
val_cfg = dict()
test_cfg = dict()

train_cfg = dict(by_epoch=False, max_iters=200_000, val_interval=5000)
optim_wrapper = dict(
    type="OptimWrapper",
    optimizer=dict(type="AdamW", lr=2e-4, betas=(0.9, 0.99), weight_decay=0.0),
    clip_grad=dict(max_norm=1.0),
)
param_scheduler = [
    dict(type="LinearLR", start_factor=0.01, by_epoch=False, begin=0, end=1000),
    dict(type="CosineAnnealingLR", by_epoch=False, begin=1000, end="${train_cfg.max_iters}", eta_min=1e-6),
]
auto_scale_lr = dict(base_batch_size=16)
default_hooks = dict(checkpoint=dict(interval=5000, save_best="PSNR", rule="greater"))
