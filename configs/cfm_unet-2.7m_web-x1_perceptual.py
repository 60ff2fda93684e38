# Restoration at its own size, blind: a photograph's JPEG, noise and blur are taken away, and nothing is enlarged. From
# the weights of `cfm_unet-2.7m_realsr-x4_perceptual.py`, which are shipped.
_base_ = "cfm_unet-2.7m_realsr-x4_perceptual.py"
load_from = "cfm-realsr-x4-fast"
scale = 1
degradation = "web"
train_cfg = dict(max_iters=1000, val_interval=1000)
