# FFHQ at 256 pixels by ADM.
_base_ = "lfm_adm_1xb112-lr2e-5_celebahq-256.py"
data_root = "data/ffhq/train"

model = dict(
    network=dict(
        channel_factors=(1, 2, 3, 4),
        # "16 8 4" are sides in latent samples to the network of this command: of 32, factors of 2, 4 and 8.
        attention_factors=(2, 4, 8),
        heads=None,
        head_dim=64,
        resample="block",
    )
)
train_dataloader = dict(batch_size=128)
train_cfg = dict(max_iters=246_000)  # 63,000 images // 128 = 492 an epoch, 500 epochs
