# From the weights of `cfm_unet-2.7m_x4_mean.py`: what one step makes of an input is drawn to its target, in the
# features of EfficientNet-Lite0 too, the more the further the dial stands from fidelity. Three in four begin where the
# path does, and there the flow's own loss counts eight times, so that the faithful end stays the mean of what may be
# there. With the extra "perceptual".
# The shipped model cfm-x4-fast.
_base_ = "cfm_unet-2.7m_x4_mean.py"
load_from = "work_dirs/cfm_unet-2.7m_x4_mean"
crop_size = 128
model = dict(
    times=dict(type="Stratified", zero_probability=0.75),
    loss=[
        dict(type="MSE", weight=8.0),
        dict(type="TargetMSE", steps=0),
        dict(type="Perceptual", net="EfficientNetLite", steps=0, shift=15, weight=0.1),
        dict(type="Lattice", steps=0, weight=400.0),
    ],
    sampling=dict(fidelity=0.0),
)
train_cfg = dict(max_iters=900, val_interval=300)
optim_wrapper = dict(optimizer=dict(lr=3e-4))
default_hooks = dict(checkpoint=dict(interval=100))
