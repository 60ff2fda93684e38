# Real-world x4 super-resolution: blur, noise and JPEG twice, once or not at all. The network of cfm_unet-1.6m_x4, from
# whose weights it starts. What few_steps/cfm_realsr_x4_perceptual.py begins with.
_base_ = [
    "_base_/default_runtime.py",
    "_base_/datasets/bsds400.py",
    "_base_/models/cfm_haar_unet-1.6m.py",
    "_base_/schedules/adamw_20k.py",
]
scale = 4
degradation = "first_or_second_order"
target = []
model = dict(sampling=dict(num_intervals=3, noise=1.22, noise_contrast_limit=0.25, color="mean"))
load_from = "work_dirs/cfm_unet-1.6m_x4"
train_cfg = dict(max_iters=12_000, val_interval=6000)
default_hooks = dict(checkpoint=dict(interval=1000, save_best="PSNR", rule="greater"))
