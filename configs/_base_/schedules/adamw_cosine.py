# AdamW without weight decay, its rate along a cosine to 1e-5. The recipe says the rate and train_cfg.max_iters.
train_cfg = dict(by_epoch=False)
optim_wrapper = dict(type="OptimWrapper", optimizer=dict(type="AdamW", lr=2e-5, weight_decay=0.0))
param_scheduler = [dict(type="CosineAnnealingLR", by_epoch=False, begin=0, end="${train_cfg.max_iters}", eta_min=1e-5)]
