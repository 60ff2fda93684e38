# The demo: cfm_realsr with a small network and a short schedule, for two CPU cores and three minutes.
_base_ = "cfm_realsr.py"
crop_size = 96
model = dict(network=dict(base_channels=64, channel_factors=(1, 2), blocks=1, attention_factors=(), groups=16))
train_dataloader = dict(num_workers=0, persistent_workers=False)
train_cfg = dict(max_iters=1200, val_interval=400)
optim_wrapper = dict(optimizer=dict(lr=1e-3))
param_scheduler = [
    dict(type="LinearLR", start_factor=0.01, by_epoch=False, begin=0, end=50),
    dict(type="CosineAnnealingLR", by_epoch=False, begin=50, end="${train_cfg.max_iters}", eta_min=1e-5),
]
default_hooks = dict(checkpoint=dict(interval=400))
