# The digits of digits_unet by a transformer of 16 tokens, whose steps are shorter and more.
_base_ = "digits_unet.py"
model = dict(
    conditions=[dict(type="ClassLabel", classes=10, channels=128, dropout=0.1)],
    network=dict(
        _delete_=True,
        type="DiT",
        width=128,
        depth=6,
        heads=4,
        patch=2,
        position="sincos",
        input_size=8,
        time_scale=1000.0,
    ),
)
train_cfg = dict(max_iters=6000)
