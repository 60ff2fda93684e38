# `ae_f8c16.py` as a variational autoencoder.
_base_ = "ae_f4c4.py"
model = dict(
    kl=1e-5,
    channels=16,
    widths=(64, 128, 192),
    loss=[
        dict(type="Perceptual", net="EfficientNetLite", shift=15, weight=0.1),
        dict(type="Lattice", period=8, weight=4.0),
    ],
)
