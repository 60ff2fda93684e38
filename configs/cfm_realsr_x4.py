# Real-world x4 super-resolution: blur, noise and JPEG twice. The network of cfm_x4.
_base_ = "cfm_x4.py"
degradation = "second_order"
train_cfg = dict(max_iters=15_000)
