# Drawn portraits of 64x64 pixels from noise, told nothing: a flow for edits along boundaries, in minutes on one core.
# Edit with: python tools/fit_boundary.py work_dirs/avatars Avatars --attribute smile --out smile.safetensors
_base_ = "../_base_/default_runtime.py"

model = dict(
    type="CouplingFlow",
    scale=1,
    image_size=64,
    encoder=dict(type="Haar", factor=4),
    coupling=dict(type="Independent"),
    conditions=[],
    path=dict(type="Linear", sigma_min=1e-5),
    network=dict(
        type="UNet",
        base_channels=64,
        channel_factors=(1, 2),
        blocks=2,
        attention_factors=(2,),
        heads=4,
        head_dim=32,
        time_scale=1000.0,
        input_skip=True,
    ),
    channels_last=True,
    times=dict(type="Uniform"),
    loss=dict(type="MSE"),
    sampling=dict(solver=dict(type="Heun"), grid=dict(type="UniformGrid"), num_intervals=16),
)

train_dataloader = dict(
    batch_size=16,
    num_workers=0,
    sampler=dict(type="DrawSampler"),
    dataset=dict(type="Avatars", split="train", size=64),
)
train_cfg = dict(by_epoch=False, max_iters=3000)
optim_wrapper = dict(
    type="OptimWrapper",
    optimizer=dict(type="AdamW", lr=1e-3, betas=(0.9, 0.99), weight_decay=0.0),
    clip_grad=dict(max_norm=1.0),
)
param_scheduler = [
    dict(type="LinearLR", start_factor=0.01, by_epoch=False, begin=0, end=100),
    dict(type="CosineAnnealingLR", by_epoch=False, begin=100, end="${train_cfg.max_iters}", eta_min=1e-5),
]
custom_hooks = [dict(type="EMAHook", decay=0.999), dict(type="PreemptionHook")]
default_hooks = dict(logger=dict(interval=100), checkpoint=dict(interval=500))

# As many avatars as are held out, and how far they are from those in the features of a classifier of attributes.
test_dataloader = dict(
    batch_size=16,
    num_workers=0,
    sampler=dict(type="DefaultSampler", shuffle=False),
    dataset=dict(type="Avatars", split="held_out", length=500, size=64),
)
test_cfg = dict()
test_evaluator = [
    dict(type="FID", features="AvatarClassifier", baseline=dict(type="Avatars", split="train", length=500, size=64)),
    dict(type="NFE"),
]
