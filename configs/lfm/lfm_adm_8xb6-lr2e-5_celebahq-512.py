# CelebA-HQ at 512 pixels by ADM, in bfloat16.
_base_ = "lfm_adm_1xb112-lr2e-5_celebahq-256.py"
data_root = "data/celebahq/all"
crop_size = 512

model = dict(
    image_size=512,
    # Five levels, which reach both factors of "16 8".
    network=dict(channel_factors=(1, 2, 2, 2, 4), attention_factors=(8, 16)),
)
train_dataloader = dict(batch_size=6)
# How many images there were is not published; with all 30,000 of CelebA-HQ, 30,000 // (8 * 6) = 625 an epoch, 1000
# epochs.
train_cfg = dict(max_iters=625_000)
optim_wrapper = dict(type="AmpOptimWrapper", precision="bf16")
param_scheduler = None  # constant
