# Inpainting of CelebA-HQ at 256 pixels. The network is told the latent of what is known and the whole mask, 4 and 64
# channels, where LFM shrinks the mask to one. Masks are strokes or boxes, half of the time each.
_base_ = [
    "../_base_/default_runtime.py",
    "../_base_/models/lfm_sd_vae.py",
    "../_base_/schedules/adamw_cosine.py",
    "../_base_/datasets/flipped_squares.py",
]
data_root = "data/celebahq/celeba_train"  # the split of CelebA itself, as MAT has it
train_pipeline = [dict(type="ResizeCrop", size="${crop_size}")]

model = dict(
    data_preprocessor=dict(type="RestorationPreprocessor", mask=dict(type="MixedMask")),
    conditions=[dict(type="Inpaint")],
    network=dict(
        type="UNet",
        base_channels=256,
        channel_factors=(1, 2, 3, 4),
        blocks=2,
        attention_factors=(8,),  # "16 8" are factors, of which it reaches the second
        heads=4,
        head_dim=None,
        dropout=0.0,
        time_scale=1.0,
    ),
)
train_dataloader = dict(batch_size=64)
train_cfg = dict(max_iters=94_000)  # 24,183 images // (2 * 64) = 188 an epoch, 500 epochs
optim_wrapper = dict(optimizer=dict(lr=5e-5))
# The average is not of the published commands: README.md.
custom_hooks = [dict(type="EMAHook", decay=0.9999), dict(type="PreemptionHook")]
default_hooks = dict(checkpoint=dict(interval=10_000, max_keep_ckpts=3))
randomness = dict(seed=1024)
