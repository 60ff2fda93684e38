# Photographs from noise, without any condition: a prior for restoration without training, by tools/restore.py with
# --degradation. It runs on the bundled photographs, and on your own with --cfg-options data_root=FOLDER.
_base_ = "../_base_/default_runtime.py"
data_root = "data/photographs/train"
val_root = "data/photographs/held_out"
crop_size = 96

model = dict(
    type="CouplingFlow",
    scale=1,
    image_size="${crop_size}",
    encoder=dict(type="Haar", factor=2),
    coupling=dict(type="Independent"),
    conditions=[],
    path=dict(type="Linear"),
    network=dict(
        type="UNet",
        base_channels=48,
        channel_factors=(1, 2, 4, 4),
        blocks=1,
        attention_factors=(),
        middle_attention=False,
        groups=16,
        time_scale=1000.0,
        input_skip=True,
    ),
    channels_last=True,
    times=dict(type="Stratified"),
    loss=dict(type="MSE"),
    sampling=dict(solver=dict(type="Heun"), grid=dict(type="UniformGrid"), num_intervals=25),
)

train_dataloader = dict(
    batch_size=16,
    num_workers=1,
    persistent_workers=True,
    sampler=dict(type="DrawSampler"),
    dataset=dict(
        type="ImageFolder",
        data_root="${data_root}",
        pipeline=[
            dict(type="RandomCrop", size="${crop_size}"),
            dict(type="Albumentations", transforms=[dict(type="D4", p=1.0)]),
        ],
        cache_images=400,
    ),
)
train_cfg = dict(by_epoch=False, max_iters=7000)
optim_wrapper = dict(
    type="AmpOptimWrapper",
    optimizer=dict(type="AdamW", lr=6e-4, betas=(0.9, 0.99), weight_decay=0.0),
    clip_grad=dict(max_norm=1.0),
)
param_scheduler = [
    dict(type="LinearLR", start_factor=0.01, by_epoch=False, begin=0, end=200),
    dict(type="CosineAnnealingLR", by_epoch=False, begin=200, end="${train_cfg.max_iters}", eta_min=1e-6),
]
custom_hooks = [dict(type="EMAHook", decay=0.999), dict(type="PreemptionHook")]
default_hooks = dict(checkpoint=dict(interval=1000))
