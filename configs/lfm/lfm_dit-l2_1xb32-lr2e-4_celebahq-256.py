# CelebA-HQ at 256 pixels by DiT-L/2, without conditions.
_base_ = [
    "../_base_/default_runtime.py",
    "../_base_/models/lfm_sd_vae.py",
    "../_base_/schedules/adamw_constant.py",
    "../_base_/datasets/flipped_squares.py",
]
data_root = "data/celebahq/train"

model = dict(network=dict(type="DiT", size="L", patch=2, position="sincos", input_size=32, time_scale=1.0))
train_dataloader = dict(batch_size=32)
train_cfg = dict(max_iters=421_500)  # 27,000 images // 32 = 843 an epoch, 500 epochs
optim_wrapper = dict(optimizer=dict(lr=2e-4))
# The average is not of the published commands: README.md.
custom_hooks = [dict(type="EMAHook", decay=0.9999), dict(type="PreemptionHook")]
default_hooks = dict(checkpoint=dict(interval=10_000, max_keep_ckpts=3))
randomness = dict(seed=1024)
