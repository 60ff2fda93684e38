# From the weights of `cfm_unet-2.7m_realsr-x4.py`: what one step makes of an input is drawn to its target, in the
# features of EfficientNet-Lite0 too, the more the further the dial stands from fidelity. Three in four begin where the
# path does, and there the flow's own loss counts eight times, so that the faithful end stays the mean of what may be
# there. With the extra "perceptual".
# The shipped model cfm-realsr-x4.
_base_ = [
    "_base_/default_runtime.py",
    "_base_/datasets/bsds400_imagenet.py",
    "_base_/models/cfm_haar_unet-2.7m.py",
    "_base_/schedules/adamw_20k.py",
]
scale = 4
degradation = "camera_or_web"
worker_degradation = "${degradation}"
target = []
load_from = "work_dirs/cfm_unet-2.7m_realsr-x4"
crop_size = 128
model = dict(
    times=dict(type="Stratified", zero_probability=0.75),
    loss=[
        dict(type="MSE", weight=8.0),
        dict(type="TargetMSE", steps=0),
        dict(type="Perceptual", net="EfficientNetLite", steps=0, shift=15, weight=0.2),
        dict(type="Lattice", steps=0, weight=400.0),
    ],
    sampling=dict(color="mean"),
)
train_cfg = dict(max_iters=400, val_interval=400)
train_dataloader = dict(batch_size=8, num_workers=1)
optim_wrapper = dict(optimizer=dict(lr=2e-4))
default_hooks = dict(checkpoint=dict(interval=100))
