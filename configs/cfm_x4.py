# Clean x4 super-resolution, for inputs that were shrunk and nothing else: a network of 1.6 M parameters that sees the
# image at the size of the input, on wavelet latents. The shipped model cfm-x4.
_base_ = [
    "_base_/default_runtime.py",
    "_base_/datasets/bsds400.py",
    "_base_/models/cfm_haar.py",
    "_base_/schedules/adamw_200k.py",
]
degradation = "bicubic"
model = dict(
    network=dict(
        base_channels=64,
        channel_factors=(1,),
        blocks=4,
        attention_factors=(),
        middle_attention=False,
        groups=None,
    ),
    sampling=dict(grid=dict(type="ShiftedGrid", shift=0.7), num_intervals=6),  # as natural as photographs are, by NIQE
)
train_cfg = dict(max_iters=20_000, val_interval=5000)
optim_wrapper = dict(type="AmpOptimWrapper", optimizer=dict(lr=1e-3))
param_scheduler = [
    dict(type="LinearLR", start_factor=0.01, by_epoch=False, begin=0, end=200),
    dict(type="CosineAnnealingLR", by_epoch=False, begin=200, end="${train_cfg.max_iters}", eta_min=1e-6),
]
default_hooks = dict(checkpoint=dict(interval=1000, save_best="PSNR", rule="greater"))
