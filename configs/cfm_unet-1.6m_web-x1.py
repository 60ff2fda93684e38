# Restoration at the image's own size, blind: JPEG, noise and softness are taken away, and nothing is enlarged. The
# recipe is that of x2's first training. The shipped model cfm-web-x1.
_base_ = "cfm_unet-1.6m_realsr-x2.py"
scale = 1
degradation = "web"
model = dict(
    times=dict(zero_probability=0.25),
    loss=[
        dict(type="MSE"),
        dict(type="TargetMSE", steps=0),
        dict(type="Perceptual", net="EfficientNetLite", steps=0, shift=15, weight=0.3),
        dict(type="Lattice", steps=0, weight=20.0),
    ],
)
optim_wrapper = dict(optimizer=dict(lr=3e-4))
