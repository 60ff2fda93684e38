# The digits of digits_unet by a transformer: each token one pixel.
_base_ = "digits_unet.py"
model = dict(
    conditions=[dict(type="ClassLabel", classes=10, channels=192, dropout=0.1)],
    network=dict(
        _delete_=True,
        type="DiT",
        width=192,
        depth=6,
        heads=6,
        patch=1,
        position="sincos",
        input_size=8,
        time_scale=1000.0,
    ),
)
