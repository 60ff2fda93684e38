# ImageNet at 256 pixels by class, by DiT-B/2: labels are dropped for guidance, activations recomputed.
_base_ = "lfm_dit-l2_1xb32-lr2e-4_celebahq-256.py"
data_root = "data/imagenet/train"

model = dict(
    conditions=[dict(type="ClassLabel", classes=1000, channels=768, dropout=0.1)],
    network=dict(size="B", checkpointing=True),
    sampling=dict(guidance=1.5),
)
train_dataloader = dict(batch_size=160, dataset=dict(type="ClassFolder"))
train_cfg = dict(max_iters=1_000_000)  # 1,281,167 images // (8 * 160) = 1000 an epoch, 1000 epochs
optim_wrapper = dict(optimizer=dict(lr=1e-4))
