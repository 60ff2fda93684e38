# The first 120,000 bedrooms of LSUN at 256 pixels by ADM.
_base_ = "lfm_adm_1xb112-lr2e-5_celebahq-256.py"
data_root = "data/lsun/bedroom_train_lmdb"

model = dict(
    network=dict(
        channel_factors=(1, 2, 3, 4),
        attention_factors=(2, 4, 8),  # sides of 16, 8 and 4, of 32
        heads=None,
        head_dim=64,
        resample="block",
    )
)
train_dataloader = dict(
    batch_size=128,
    dataset=dict(
        _delete_=True, type="LSUN", data_root="${data_root}", max_images=120_000, pipeline="${train_pipeline}"
    ),
)
train_cfg = dict(max_iters=468_500)  # 120,000 images // 128 = 937 an epoch, 500 epochs
optim_wrapper = dict(optimizer=dict(lr=1e-5))
param_scheduler = None  # constant
