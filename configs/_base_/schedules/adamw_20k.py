# AdamW at a high rate for small networks, in mixed precision where the device has it.
train_cfg = dict(by_epoch=False, max_iters=20_000, val_interval=5000)
optim_wrapper = dict(
    type="AmpOptimWrapper",
    optimizer=dict(type="AdamW", lr=1e-3, betas=(0.9, 0.99), weight_decay=0.0),
    clip_grad=dict(max_norm=1.0),
)
param_scheduler = [
    dict(type="LinearLR", start_factor=0.01, by_epoch=False, begin=0, end=200),
    dict(type="CosineAnnealingLR", by_epoch=False, begin=200, end="${train_cfg.max_iters}", eta_min=1e-6),
]
auto_scale_lr = dict(base_batch_size=16)
