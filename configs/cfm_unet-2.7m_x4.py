# Clean x4 super-resolution, for inputs that were shrunk and nothing else: the flow, and one step of its flow map that
# is drawn to the targets wherever its dial stands. What `cfm_unet-2.7m_x4_mean.py` begins with.
_base_ = [
    "_base_/default_runtime.py",
    "_base_/datasets/bsds400_imagenet.py",
    "_base_/models/cfm_haar_unet-2.7m.py",
    "_base_/schedules/adamw_20k.py",
]
scale = 4
degradation = "bicubic"
target = []
train_cfg = dict(max_iters=12_000, val_interval=12_000)
train_dataloader = dict(batch_size=64, num_workers=4)
default_hooks = dict(checkpoint=dict(interval=2000))
