# FFHQ at 256 pixels by DiT-L/2; of the transformers only this one's rate decays.
_base_ = "lfm_dit-l2_1xb32-lr2e-4_celebahq-256.py"
data_root = "data/ffhq/train"
train_cfg = dict(max_iters=984_000)  # 63,000 images // 32 = 1968 an epoch, 500 epochs
param_scheduler = [dict(type="CosineAnnealingLR", by_epoch=False, begin=0, end="${train_cfg.max_iters}", eta_min=1e-5)]
