# From the weights of `cfm_unet-2.7m_x4.py`: its faithful end alone, the mean of what may be there. What
# `cfm_unet-2.7m_x4_perceptual.py` begins with.
_base_ = [
    "_base_/default_runtime.py",
    "_base_/datasets/bsds400_imagenet.py",
    "_base_/models/cfm_haar_unet-2.7m.py",
    "_base_/schedules/adamw_20k.py",
]
scale = 4
degradation = "bicubic"
target = []
load_from = "work_dirs/cfm_unet-2.7m_x4"
model = dict(
    times=dict(type="Stratified", zero_probability=0.9),
    loss=[dict(type="MSE")],
    sampling=dict(fidelity=1.0, color="mean"),
)
train_cfg = dict(max_iters=6500, val_interval=500)
train_dataloader = dict(batch_size=8)
optim_wrapper = dict(optimizer=dict(lr=5e-4))
custom_hooks = [dict(type="EMAHook", decay=0.998), dict(type="PreemptionHook")]
default_hooks = dict(checkpoint=dict(interval=500))
