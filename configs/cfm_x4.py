# Clean x4 super-resolution, for inputs that were shrunk and nothing else: a network of 1.6 M parameters that sees the
# image at the size of the input, on wavelet latents.
_base_ = "cfm_realsr.py"
degradation = "bicubic"
crop_size = 96
model = dict(
    network=dict(
        base_channels=64,
        channel_factors=(1,),
        blocks=4,
        attention_factors=(),
        middle_attention=False,
        groups=None,
    ),
    times=dict(zero_probability=0.25),
)
train_dataloader = dict(num_workers=1, dataset=dict(cache_images=400))
train_cfg = dict(max_iters=40_000, val_interval=5000)
optim_wrapper = dict(type="AmpOptimWrapper", optimizer=dict(lr=1e-3))
param_scheduler = [
    dict(type="LinearLR", start_factor=0.01, by_epoch=False, begin=0, end=200),
    dict(type="CosineAnnealingLR", by_epoch=False, begin=200, end="${train_cfg.max_iters}", eta_min=1e-6),
]
default_hooks = dict(checkpoint=dict(interval=1000))
