# A flow that is told how much noise its start has, with a moving average of the weights.
_base_ = "../configs/cfm_realsr_tiny.py"
scale = 2
crop_size = 16
data_root = "photos"
val_root = "${data_root}"
degradation = "bicubic"
model = dict(
    encoder=dict(factor=2),
    coupling=dict(noise=(32, 200), restore_noise=64, tell_level=True, table="cosine", context=True),
    network=dict(base_channels=2, blocks=1, middle_attention=False, dropout=0.1),
    sampling=dict(num_intervals=2, seed=1, colour="mean"),
)
train_dataloader = dict(batch_size=2)
val_dataloader = dict(dataset=dict(pipeline=[dict(type="CentreCrop", size=16)]))
optim_wrapper = dict(optimizer=dict(lr=0.1))
train_cfg = dict(max_iters=4, val_interval=100)
param_scheduler = [
    dict(type="LinearLR", start_factor=0.5, by_epoch=False, begin=0, end=2),
    dict(type="CosineAnnealingLR", by_epoch=False, begin=2, end="${train_cfg.max_iters}", eta_min=1e-5),
]
default_hooks = dict(logger=dict(interval=1), checkpoint=dict(interval=2))
custom_hooks = [
    dict(type="EMAHook", decay=0.9, update_after=0, inv_gamma=1.0, power=0.75),
    dict(type="SampleGridHook", num_images=1, side=32),
    dict(type="SignalHook", signals=("SIGUSR1",), interval=5),
]
log_processor = dict(window_size=1)
visualizer = dict(vis_backends=[dict(type="LocalVisBackend")])
