# Inpainting of photographs on wavelet latents, in half an hour on a core: the path starts at the image with its
# holes filled from their rims and some noise, and not at noise alone. It runs on the bundled photographs, and on your
# own with --cfg-options data_root=FOLDER. Fill holes with: tools/inpaint.py photo.png mask.png --model work_dirs/...
_base_ = "../_base_/default_runtime.py"
data_root = "data/photographs/train"
val_root = "data/photographs/held_out"
crop_size = 128  # of the targets

# Strokes or boxes, as thick as LaMa's medium ones in an image of 256 pixels; at most half of the crop is hole. The name
# of a preset stands here too: --cfg-options mask=mask_lama_medium
mask = dict(
    type="BoundedMask",
    mask=dict(
        type="MixedMask",
        masks=[
            dict(type="StrokeMask", strokes=(1, 3), length=(10, 100), width=(5, 54), reference_side=None),
            dict(type="BoxMask", boxes=(1, 2), side=(10, 64), margin=0, reference_side=None),
        ],
    ),
)

model = dict(
    type="CouplingFlow",
    scale=1,
    data_preprocessor=dict(type="RestorationPreprocessor", mask="${mask}"),
    encoder=dict(type="Haar", factor=4),
    coupling=dict(type="LowresLatent", noise=64),
    conditions=[dict(type="Inpaint", fill="smooth")],
    path=dict(type="Linear"),
    network=dict(
        type="UNet",
        base_channels=48,
        channel_factors=(1, 2, 4),
        blocks=2,
        attention_factors=(),
        middle_attention=False,
        groups=16,
        time_scale=1000.0,
        input_skip=True,
    ),
    channels_last=True,
    times=dict(type="Stratified", zero_probability=0.25),
    loss=dict(type="MSE"),
    sampling=dict(solver=dict(type="Euler"), grid=dict(type="UniformGrid"), num_intervals=8),
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
test_dataloader = dict(
    batch_size=1,
    num_workers=0,
    sampler=dict(type="DefaultSampler", shuffle=False),
    dataset=dict(type="ImageFolder", data_root="${val_root}", pipeline=[dict(type="CenterCrop", size=256, multiple=4)]),
)
test_evaluator = [
    dict(type="HolePSNR"),
    dict(type="RimGradient"),
    dict(type="FeatureDistance"),
    dict(type="PatchFID", features="EfficientNetLite", patches=16, patch_side=64),
    dict(type="PatchKID", features="EfficientNetLite", patches=16, patch_side=64),
    dict(type="NFE"),
]
test_cfg = dict()
protocol = "rgb"
train_cfg = dict(by_epoch=False, max_iters=3500)
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
