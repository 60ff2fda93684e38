# A flow with all that a sampling can say, on the bases one by one.
_base_ = [
    "../configs/_base_/default_runtime.py",
    "../configs/_base_/datasets/photographs.py",
    "../configs/_base_/models/cfm_haar.py",
    "../configs/_base_/schedules/adamw_200k.py",
]
scale = 2
crop_size = 16
data_root = "photos"
val_root = "photos"
degradation = "my/mixed.py"
model = dict(
    encoder=dict(factor=2),
    network=dict(
        base_channels=2, channel_factors=(1,), blocks=1, attention_factors=(), middle_attention=False, groups=None
    ),
    loss=[dict(type="MSE", weight=1.0), dict(type="Huber", weight=0.5, delta=0.1)],
    sampling=dict(
        solver=dict(type="Euler"),
        grid=dict(_delete_=True, type="ShiftedGrid", shift=0.7),
        num_intervals=3,
        seed=2,
        fidelity=0.3,
        noise=1.2,
        noise_fades_at=0.25,
        consistency=True,
        colour="wavelet",
    ),
)
train_dataloader = dict(
    batch_size=2,
    num_workers=0,
    persistent_workers=False,
    dataset=dict(pipeline=[dict(type="RandomCrop", size="${crop_size}"), dict(type="CentreCrop", multiple="${scale}")]),
)
optim_wrapper = dict(optimizer=dict(lr=0.1))
train_cfg = dict(max_iters=2, val_interval=100)
param_scheduler = [dict(type="LinearLR", start_factor=0.5, by_epoch=False, begin=0, end="${train_cfg.max_iters}")]
default_hooks = dict(logger=dict(interval=1), checkpoint=dict(interval=2))
custom_hooks = [dict(type="SignalHook")]
