# A few-step sibling of cfm_unet-1.6m_x4.py, which is trained first, by the loss RCGM.
_base_ = "../cfm_unet-1.6m_x4.py"
load_from = "work_dirs/cfm_unet-1.6m_x4"

model = dict(
    network=dict(flow_map=True),
    teacher=dict(weights="${load_from}"),
    loss=[dict(type="MSE"), dict(type="RCGM")],
    sampling=dict(solver=dict(type="FlowMapEuler"), grid=dict(_delete_=True, type="UniformGrid"), num_intervals=2),
)
train_cfg = dict(max_iters=4000, val_interval=4000)
optim_wrapper = dict(type="OptimWrapper", optimizer=dict(lr=3e-4))  # float32, for its differences
param_scheduler = [
    dict(type="LinearLR", start_factor=0.01, by_epoch=False, begin=0, end=100),
    dict(type="CosineAnnealingLR", by_epoch=False, begin=100, end="${train_cfg.max_iters}", eta_min=3e-6),
]
default_hooks = dict(checkpoint=dict(_delete_=True, type="CheckpointHook", interval=1000, max_keep_ckpts=2))
