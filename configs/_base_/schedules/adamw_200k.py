# AdamW with a linear warm-up and a cosine decay, counted in optimizer steps.
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
