# The demo: cfm_realsr with a small network and a short schedule, for two CPU cores and three minutes. It restores in
# one evaluation; more of them draw detail that three minutes of training have not learned yet.
_base_ = "cfm_realsr.py"
crop_size = 64
model = dict(
    network=dict(channel_factors=(1,), blocks=2, attention_factors=(), groups=None, heads=2, head_dim=32),
    times=dict(zero_probability=0.5),
    sampling=dict(num_intervals=1),
)
train_dataloader = dict(num_workers=0, persistent_workers=False)
train_cfg = dict(max_iters=320, val_interval=160)
optim_wrapper = dict(optimizer=dict(lr=1e-3), clip_grad=None)
param_scheduler = [
    dict(type="LinearLR", start_factor=0.01, by_epoch=False, begin=0, end=20),
    dict(type="CosineAnnealingLR", by_epoch=False, begin=20, end="${train_cfg.max_iters}", eta_min=1e-5),
]
default_hooks = dict(logger=dict(interval=20), checkpoint=dict(interval=160))
