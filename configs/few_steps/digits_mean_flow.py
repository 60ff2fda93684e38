# A few-step sibling of lfm/digits_unet.py, which is trained first and is its teacher:
# the differential equation of the mean velocity, by a difference: the derivative of an embedded 1000 t says little.
_base_ = "../lfm/digits_unet.py"
load_from = "work_dirs/digits_unet"

model = dict(
    conditions=[dict(type="ClassLabel", classes=10, channels=192, dropout=0.0)],
    network=dict(flow_map=True),
    teacher=dict(weights="${load_from}"),
    loss=[dict(type="MSE"), dict(type="MeanFlow", derivative="difference")],
    sampling=dict(solver=dict(type="FlowMapEuler"), num_intervals=2),
)

train_dataloader = dict(batch_size=128)
train_cfg = dict(max_iters=800)
optim_wrapper = dict(optimizer=dict(lr=3e-4))
param_scheduler = [
    dict(type="LinearLR", start_factor=0.01, by_epoch=False, begin=0, end=50),
    dict(type="CosineAnnealingLR", by_epoch=False, begin=50, end="${train_cfg.max_iters}", eta_min=3e-6),
]
custom_hooks = [dict(type="EMAHook", decay=0.999), dict(type="PreemptionHook")]  # which warms up from less
default_hooks = dict(checkpoint=dict(interval=800))
