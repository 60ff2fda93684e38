# Real-world x2 in one step of a flow map, which does not go by way of x4: the recipe of x4, with local gains at last,
# by which noise is shut off where nothing else is. From the weights of the same recipe, trained twice before
# (cfmrestore/weights/README.md). With the extra "perceptual". The shipped model cfm-realsr-x2.
_base_ = "cfm_unet-2.7m_realsr-x4_perceptual.py"
scale = 2
degradation = "camera_or_web_x2"
load_from = "work_dirs/cfm_unet-2.7m_realsr-x2_second"
model = dict(network=dict(local_gains=True))
train_cfg = dict(max_iters=3600, val_interval=3600)
optim_wrapper = dict(optimizer=dict(lr=3e-4))
custom_hooks = [dict(type="EMAHook", decay=0.998), dict(type="PreemptionHook")]
default_hooks = dict(checkpoint=dict(interval=250))
