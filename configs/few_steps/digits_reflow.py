# Reflow of lfm/digits_unet.py: trained on the pairs of start and end that the guided flow gives, written before by
# cfmrestore pairs work_dirs/digits_unet --count 20000 --batch 500 --out data/digits_pairs
_base_ = "../lfm/digits_unet.py"
load_from = "work_dirs/digits_unet"
data_root = "data/digits_pairs"

model = dict(
    conditions=[dict(type="ClassLabel", classes=10, channels=192, dropout=0.0)],
    sampling=dict(solver=dict(type="Euler"), num_intervals=2),
)

train_dataloader = dict(batch_size=128, dataset=dict(_delete_=True, type="FlowPairs", data_root="${data_root}"))
train_cfg = dict(max_iters=800)
optim_wrapper = dict(optimizer=dict(lr=3e-4))
param_scheduler = [
    dict(type="LinearLR", start_factor=0.01, by_epoch=False, begin=0, end=50),
    dict(type="CosineAnnealingLR", by_epoch=False, begin=50, end="${train_cfg.max_iters}", eta_min=3e-6),
]
custom_hooks = [dict(type="EMAHook", decay=0.999), dict(type="PreemptionHook")]  # which warms up from less
default_hooks = dict(checkpoint=dict(interval=800))
