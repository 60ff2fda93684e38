# Restoration at the image's own size, blind: JPEG, noise and softness are taken away, and nothing is enlarged. By the
# recipe of x2; what is white noise goes around the network, whose local gains shut it off. From the weights of the same
# recipe without them. The shipped model cfm-web-x1.
_base_ = "cfm_unet-1.6m_realsr-x2.py"
scale = 1
degradation = "web_or_clean"
load_from = "work_dirs/cfm_unet-1.6m_web-x1_first"
model = dict(network=dict(local_gains=True))
train_cfg = dict(max_iters=2800, val_interval=2800)
optim_wrapper = dict(optimizer=dict(lr=5e-4))
