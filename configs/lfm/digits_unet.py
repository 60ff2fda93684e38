# Handwritten digits of 8x8 pixels by class, from noise: LFM's class-conditional recipe at the size of some minutes.
# Needs the package scikit-learn. Draw with: python tools/sample.py work_dirs/digits_unet --classes 0 1 2 3 4 5 6 7 8 9
_base_ = "../_base_/default_runtime.py"

model = dict(
    type="CouplingFlow",
    scale=1,
    image_size=8,
    encoder=dict(type="Identity"),
    coupling=dict(type="Independent"),
    conditions=[dict(type="ClassLabel", classes=10, channels=192, dropout=0.1)],
    path=dict(type="Linear", sigma_min=1e-5),
    network=dict(
        type="UNet",
        base_channels=48,
        channel_factors=(1, 2),
        blocks=2,
        attention_factors=(2,),
        heads=4,
        head_dim=32,
        groups=16,
        time_scale=1000.0,
    ),
    times=dict(type="Uniform"),
    loss=dict(type="MSE"),
    sampling=dict(solver=dict(type="Heun"), grid=dict(type="UniformGrid"), num_intervals=16),
)

train_dataloader = dict(
    batch_size=128,
    num_workers=0,
    sampler=dict(type="DrawSampler"),
    dataset=dict(type="Digits", split="train"),
)
train_cfg = dict(by_epoch=False, max_iters=2500)
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
default_hooks = dict(logger=dict(interval=100), checkpoint=dict(interval=1000))

# As many pictures as are held out, of their classes: what a classifier takes them for, and how far they are in its
# features from the held-out ones, beside as many digits of the training (the row "real").
test_dataloader = dict(
    batch_size=64,
    num_workers=0,
    sampler=dict(type="DefaultSampler", shuffle=False),
    dataset=dict(type="Digits", split="held_out"),
)
test_cfg = dict()
test_evaluator = [
    dict(type="ClassAccuracy", features="DigitClassifier"),
    dict(type="FID", features="DigitClassifier", baseline=dict(type="Digits", split="train")),
    dict(type="NFE"),
]
