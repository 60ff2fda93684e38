# Real-world x4 super-resolution: blur, noise and JPEG twice. The network of cfm_x4, from whose weights it starts. The
# shipped model cfm-realsr-x4.
_base_ = "cfm_x4.py"
degradation = "second_order"
model = dict(sampling=dict(num_intervals=4, noise=1.08, colour="mean"))
load_from = "cfm-x4"
train_cfg = dict(max_iters=7000, val_interval=3500)
