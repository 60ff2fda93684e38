# Real-world x2 in one step of a flow map, which does not go by way of x4. From the weights of
# few_steps/cfm_realsr_x4_perceptual.py; with the extra "perceptual". As for x4, three in four begin where the path
# does, and there the flow's own loss counts eight times.
_base_ = [
    "_base_/default_runtime.py",
    "_base_/datasets/bsds400_imagenet.py",
    "_base_/models/cfm_haar_unet-1.6m.py",
    "_base_/schedules/adamw_20k.py",
]
scale = 2
degradation = "camera_or_web_x2"
worker_degradation = "${degradation}"
target = []
crop_size = 128
load_from = "work_dirs/cfm_realsr_x4_perceptual"
model = dict(
    network=dict(flow_map=True),
    times=dict(type="Stratified", zero_probability=0.75),
    loss=[
        dict(type="MSE", weight=8.0),
        dict(type="TargetMSE", steps=0),
        dict(type="Perceptual", net="EfficientNetLite", steps=0, shift=15, weight=0.2),
        dict(type="Lattice", steps=0, weight=400.0),
    ],
    sampling=dict(_delete_=True, solver=dict(type="FlowMapEuler", dial=True), num_intervals=1, color="mean"),
)
train_cfg = dict(max_iters=600, val_interval=600)
train_dataloader = dict(batch_size=8, num_workers=1)
optim_wrapper = dict(optimizer=dict(lr=3e-4))
default_hooks = dict(checkpoint=dict(interval=200))
