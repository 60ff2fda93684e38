# Restoration at the image's own size, blind: JPEG, noise and softness are taken away, and nothing is enlarged. By the
# recipe of x2. The shipped model cfm-web-x1.
_base_ = "cfm_unet-1.6m_realsr-x2.py"
scale = 1
degradation = "web_or_clean"
train_cfg = dict(max_iters=6000, val_interval=6000)
