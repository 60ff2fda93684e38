# `digits_mmd.py`, which ends itself: held-out digits judge it, in other features than those that are trained, and the
# weights that they like best are kept.
_base_ = "digits_mmd.py"

val_dataloader = "${test_dataloader}"
val_cfg = dict()
val_evaluator = [dict(type="FID", features="DigitClassifier")]
train_cfg = dict(max_iters=2000, val_interval=50)
default_hooks = dict(checkpoint=dict(interval=100, save_best="FD (DigitClassifier)", rule="less"))
custom_hooks = [
    dict(type="EMAHook", decay=0.999),
    dict(type="EarlyStoppingHook", monitor="FD (DigitClassifier)", rule="less", patience=5),
    dict(type="PreemptionHook"),
]
