# Real-world x4 super-resolution: blur, downscaling, noise, JPEG. On the bundled photographs out of the box, on your own
# with --cfg-options data_root=FOLDER val_root=FOLDER.
_base_ = [
    "_base_/default_runtime.py",
    "_base_/datasets/photographs.py",
    "_base_/models/cfm_haar.py",
    "_base_/schedules/adamw_200k.py",
]
default_hooks = dict(checkpoint=dict(interval=5000, save_best="PSNR", rule="greater"))
