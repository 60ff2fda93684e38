# Clean x4 super-resolution, for inputs that were shrunk and nothing else. What the shipped model cfm-x4 begins with,
# few_steps/cfm_x4_trajectory.py.
_base_ = [
    "_base_/default_runtime.py",
    "_base_/datasets/bsds400.py",
    "_base_/models/cfm_haar_unet-1.6m.py",
    "_base_/schedules/adamw_20k.py",
]
scale = 4
degradation = "bicubic"
target = []
model = dict(
    sampling=dict(grid=dict(type="ShiftedGrid", shift=0.7), num_intervals=6)  # as natural as photographs are, by NIQE
)
default_hooks = dict(checkpoint=dict(interval=1000, save_best="PSNR", rule="greater"))
