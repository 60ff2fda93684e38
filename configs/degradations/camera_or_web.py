# Photographs as cameras and the web give them. Three in five are of cameras: blurred by lens and sensor, shrunk,
# sharpened by the camera or not, with little noise, compressed a little or not at all; the others are
# `first_or_second_order`.
_base_ = "first_or_second_order.py"
shrink = dict(
    type="RandomResize",
    probabilities=(0.0, 0.0, 1.0),
    factor=(1.0, 1.0),
    origin_scale="${scale}",
    kernels=("bicubic", "area"),
    antialias=True,
)
sharpen = dict(
    type="OneOf",
    steps=[
        dict(type="USMSharp", weight=0.7, size=5, threshold=0),
        dict(type="USMSharp", weight=1.4, size=5, threshold=0),
        dict(type="USMSharp", weight=0.8, size=9, threshold=0),
    ],
)
lens = [dict(type="GaussianBlur", sigma=(1.2, 3.0), size=21), shrink]
sharpened = [dict(type="GaussianBlur", sigma=(2.5, 3.8), size=25), shrink, sharpen]
lowpass = [dict(type="SincBlur", cutoff=(0.34, 0.56), size=25), shrink]
camera = [
    dict(
        type="OneOf",
        weights=(2, 3, 1),
        steps=[
            dict(type="Compose", steps=lens),
            dict(type="Compose", steps=sharpened),
            dict(type="Compose", steps=lowpass),
        ],
    ),
    dict(type="Maybe", probability=0.8, step=dict(type="GaussianNoise", sigma=(0.3, 4), gray_probability=0.4)),
    dict(type="Clip"),
    dict(type="Maybe", probability=0.3, step=dict(type="JPEG", quality=(75, 98))),
    dict(type="Quantize"),
]
first_or_second_order = {{_base_.degradation}}
degradation = [
    dict(
        type="PerImage",
        steps=[
            dict(
                type="OneOf",
                weights=(3, 2),
                steps=[
                    dict(type="Compose", steps=camera),
                    dict(type="Compose", steps=first_or_second_order),
                ],
            )
        ],
    )
]
