# CelebA-HQ at 256 pixels by the U-Net of guided diffusion (ADM), without conditions.
_base_ = [
    "../_base_/default_runtime.py",
    "../_base_/models/lfm_sd_vae.py",
    "../_base_/schedules/adamw_cosine.py",
    "../_base_/datasets/flipped_squares.py",
]
data_root = "data/celebahq/train"

model = dict(
    network=dict(
        type="UNet",
        base_channels=256,
        channel_factors=(1, 2, 2, 2),
        blocks=2,
        # "16 8" of the published command are downsampling factors to this network, of which it reaches the second.
        attention_factors=(8,),
        heads=4,
        head_dim=None,
        dropout=0.0,
        time_scale=1.0,
    )
)
train_dataloader = dict(batch_size=112)
train_cfg = dict(max_iters=120_500)  # 27,000 images // 112 = 241 an epoch, 500 epochs
optim_wrapper = dict(optimizer=dict(lr=2e-5))
# The average is not of the published commands: README.md.
custom_hooks = [dict(type="EMAHook", decay=0.9999), dict(type="PreemptionHook")]
default_hooks = dict(checkpoint=dict(interval=10_000, max_keep_ckpts=3))
randomness = dict(seed=1024)
