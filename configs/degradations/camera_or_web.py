# Photographs as cameras and the web give them. Four in ten are of cameras: blurred by lens and sensor, shrunk, with
# smooth noise, sharpened by the camera or not, compressed a little or not at all, by the widths, gains and noise of
# real pairs (docs/degrade.md); two in ten are out of focus, some hardly, with little noise or none; a quarter has each
# fault of the web once or not at all, and the rest goes through `second_order`.
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
        dict(type="USMSharp", weight=0.9, size=5, threshold=0),
        dict(type="USMSharp", weight=1.8, size=5, threshold=0),
        dict(type="USMSharp", weight=1.0, size=9, threshold=0),
    ],
)
noise = dict(type="CorrelatedNoise", sigma=(0.3, 4.5), radius=(0.7, 1.5), gray_probability=0.4)
lens = [dict(type="GaussianBlur", sigma=(1.2, 3.0), size=21), shrink, noise]
sharpened = [dict(type="GaussianBlur", sigma=(3.0, 4.6), size=29), shrink, noise, sharpen]
lowpass = [dict(type="SincBlur", cutoff=(0.34, 0.56), size=25), shrink, noise]
camera = [
    dict(
        type="OneOf",
        weights=(2, 5, 1),
        steps=[
            dict(type="Compose", steps=lens),
            dict(type="Compose", steps=sharpened),
            dict(type="Compose", steps=lowpass),
        ],
    ),
    dict(type="Clip"),
    dict(type="Maybe", probability=0.2, step=dict(type="JPEG", quality=(75, 98))),
    dict(type="Quantize"),
]
out_of_focus = [
    dict(type="GaussianBlur", sigma=(1.0, 7.0), size=41),
    shrink,
    dict(type="Maybe", probability=0.25, step=dict(type="GaussianNoise", sigma=(1.0, 10.0))),
    dict(type="Clip"),
    dict(type="Maybe", probability=0.5, step=dict(type="JPEG", quality=(40, 98))),
    dict(type="Quantize"),
]
first_order = {{_base_.first_order}}
second_order = {{_base_.second_order}}
degradation = [
    dict(
        type="PerImage",
        steps=[
            dict(
                type="OneOf",
                weights=(8, 5, 3, 4),
                steps=[
                    dict(type="Compose", steps=camera),
                    dict(type="Compose", steps=first_order),
                    dict(type="Compose", steps=second_order),
                    dict(type="Compose", steps=out_of_focus),
                ],
            )
        ],
    )
]
