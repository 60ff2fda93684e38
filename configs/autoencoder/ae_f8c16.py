# `ae_f4c4.py` with 8 pixels a latent sample and 16 channels: as many numbers.
_base_ = "ae_f4c4.py"
model = dict(
    channels=16,
    widths=(64, 128, 192),
    loss=[
        dict(type="Perceptual", net="EfficientNetLite", shift=15, weight=0.1),
        dict(type="Lattice", period=8, weight=4.0),
    ],
)
