# Real-world x2 in one step of a flow map, which does not go by way of x4: the recipe of x4, from the shipped
# weights of that. With the extra "perceptual". The shipped model cfm-realsr-x2.
_base_ = "cfm_unet-2.7m_realsr-x4_perceptual.py"
scale = 2
degradation = "camera_or_web_x2"
load_from = "cfm-realsr-x4"
train_cfg = dict(max_iters=3000, val_interval=3000)
optim_wrapper = dict(optimizer=dict(lr=3e-4))
custom_hooks = [dict(type="EMAHook", decay=0.998), dict(type="PreemptionHook")]
default_hooks = dict(checkpoint=dict(interval=250))
