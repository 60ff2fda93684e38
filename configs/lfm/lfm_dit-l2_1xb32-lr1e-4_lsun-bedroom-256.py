# The first 120,000 bedrooms of LSUN at 256 pixels by DiT-L/2.
_base_ = "lfm_dit-l2_1xb32-lr2e-4_celebahq-256.py"
data_root = "data/lsun/bedroom_train_lmdb"
train_dataloader = dict(
    dataset=dict(_delete_=True, type="LSUN", data_root="${data_root}", max_images=120_000, pipeline="${train_pipeline}")
)
train_cfg = dict(max_iters=2_250_000)  # 120,000 images // 32 = 3750 an epoch, 600 epochs
optim_wrapper = dict(optimizer=dict(lr=1e-4))
