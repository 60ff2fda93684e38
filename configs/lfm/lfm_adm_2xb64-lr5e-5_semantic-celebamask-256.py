# Faces at 256 pixels from maps of 19 classes.
_base_ = [
    "../_base_/default_runtime.py",
    "../_base_/models/lfm_sd_vae.py",
    "../_base_/schedules/adamw_cosine.py",
    "../_base_/datasets/flipped_squares.py",
]
data_root = "data/CelebAMask-HQ"
train_pipeline = [dict(type="ResizeCrop", size="${crop_size}")]

model = dict(
    conditions=[dict(type="SemanticMap", classes=19, channels=4)],
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
train_dataloader = dict(batch_size=64, dataset=dict(type="CelebAMaskHQ", split="train"))
train_cfg = dict(max_iters=36_750)  # 27,000 images // (2 * 64) = 210 an epoch, 175 epochs
optim_wrapper = dict(optimizer=dict(lr=5e-5))
# The average is not of the published commands: README.md.
custom_hooks = [dict(type="EMAHook", decay=0.9999), dict(type="PreemptionHook")]
default_hooks = dict(checkpoint=dict(interval=10_000, max_keep_ckpts=3))
randomness = dict(seed=1024)
