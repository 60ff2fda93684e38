# AdamW without weight decay, at a constant rate. The recipe says the rate and train_cfg.max_iters.
train_cfg = dict(by_epoch=False)
optim_wrapper = dict(type="OptimWrapper", optimizer=dict(type="AdamW", lr=1e-4, weight_decay=0.0))
