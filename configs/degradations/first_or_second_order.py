# Small photographs of every kind, for training: two thirds go through `second_order`; one third is shrunk as cameras
# and programs do it, with antialiasing, and has each fault once or not at all, so that clean ones are among them.
_base_ = "second_order.py"
first_order = [
    dict(type="Maybe", probability=0.5, step=dict(type="GaussianBlur", sigma=(0.2, 2.0), size=(7, 21))),
    dict(
        type="RandomResize",
        probabilities=(0.0, 0.0, 1.0),
        factor=(1.0, 1.0),
        origin_scale="${scale}",
        kernels=("bicubic", "bilinear", "lanczos", "area"),
        antialias=True,
    ),
    dict(type="Maybe", probability=0.6, step=dict(type="GaussianNoise", sigma=(0.5, 15), gray_probability=0.4)),
    dict(type="Clip"),
    dict(type="Maybe", probability=0.6, step=dict(type="JPEG", quality=(60, 98))),
    dict(type="Quantize"),
]
second_order = {{_base_.steps}}
degradation = [
    dict(
        type="PerImage",
        steps=[
            dict(
                type="OneOf",
                weights=(1, 2),
                steps=[dict(type="Compose", steps=first_order), dict(type="Compose", steps=second_order)],
            )
        ],
    )
]
