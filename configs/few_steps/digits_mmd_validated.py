# As `digits_mmd.py`, and it ends itself: held-out digits judge it, in other features than those that are trained, and
# the weights that they like best are kept.
_base_ = "../lfm/digits_unet.py"
load_from = "work_dirs/digits_unet"

model = dict(
    conditions=[dict(type="ClassLabel", classes=10, channels=192, dropout=0.0)],
    network=dict(flow_map=True),
    loss=[
        dict(type="MSE"),
        dict(type="MMD", features=["pixels", "SeededNet"], kernel="rbf", num_intervals=[1, 2], per_label=True),
    ],
    sampling=dict(solver=dict(type="FlowMapEuler"), num_intervals=2),
)

train_dataloader = dict(batch_size=256)
val_dataloader = "${test_dataloader}"
val_cfg = dict()
val_evaluator = [dict(type="FID", features="DigitClassifier")]
train_cfg = dict(max_iters=2000, val_interval=50)
optim_wrapper = dict(optimizer=dict(lr=3e-4))
param_scheduler = [dict(type="LinearLR", start_factor=0.01, by_epoch=False, begin=0, end=50)]  # no end is known
default_hooks = dict(checkpoint=dict(interval=100, save_best="FD (DigitClassifier)", rule="less"))
custom_hooks = [
    dict(type="EMAHook", decay=0.999),
    dict(type="EarlyStoppingHook", monitor="FD (DigitClassifier)", rule="less", patience=5),
    dict(type="PreemptionHook"),
]
