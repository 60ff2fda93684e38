# Real-world x2: from the weights of `cfm_unet-2.7m_realsr-x4_perceptual.py`, which are shipped.
_base_ = "cfm_unet-2.7m_realsr-x4_perceptual.py"
load_from = "cfm-realsr-x4-fast"
scale = 2
degradation = "camera_or_web_x2"
train_cfg = dict(max_iters=1000, val_interval=1000)
