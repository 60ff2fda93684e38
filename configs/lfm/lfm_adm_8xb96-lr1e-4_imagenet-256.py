# ImageNet at 256 pixels by class, by ADM.
_base_ = "lfm_adm_1xb112-lr2e-5_celebahq-256.py"
data_root = "data/imagenet/train"

model = dict(
    # The published command drops no labels, though its network is evaluated with guidance, which needs that.
    conditions=[dict(type="ClassLabel", classes=1000, channels=1024, dropout=0.1)],
    network=dict(
        channel_factors=(1, 2, 3, 4),
        attention_factors=(2, 4, 8),  # sides of 16, 8 and 4, of 32
        heads=None,
        head_dim=64,
        resample="block",
    ),
    sampling=dict(guidance=1.25),
)
train_dataloader = dict(batch_size=96, dataset=dict(type="ClassFolder"))
train_cfg = dict(max_iters=2_001_600)  # 1,281,167 images // (8 * 96) = 1668 an epoch, 1200 epochs
optim_wrapper = dict(optimizer=dict(lr=1e-4))
param_scheduler = None  # constant
