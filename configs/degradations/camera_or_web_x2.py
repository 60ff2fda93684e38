# `camera_or_web` for x2: a blur of as many pixels of the small image is half as wide in the large one. What people
# enlarge twice has fewer faults than what they enlarge four times: three in ten have each fault
# of the web once or not at all, and a tenth was shrunk and nothing else.
_base_ = "first_or_second_order.py"
scale = 2
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
noise = dict(type="CorrelatedNoise", sigma=(0.3, 4.5), radius=(0.7, 1.5), gray_probability=0.4)
camera = [
    dict(
        type="OneOf",
        weights=(2, 3, 1),
        steps=[
            dict(type="Compose", steps=[dict(type="GaussianBlur", sigma=(0.5, 1.5), size=13), shrink]),
            dict(
                type="Compose",
                steps=[dict(type="GaussianBlur", sigma=(1.2, 1.9), size=15), shrink, sharpen],
            ),
            dict(type="Compose", steps=[dict(type="SincBlur", cutoff=(0.7, 1.2), size=15), shrink]),
        ],
    ),
    dict(type="Maybe", probability=0.8, step=noise),
    dict(type="Clip"),
    dict(type="Maybe", probability=0.3, step=dict(type="JPEG", quality=(75, 98))),
    dict(type="Quantize"),
]
out_of_focus = [
    dict(type="GaussianBlur", sigma=(0.5, 3.5), size=21),
    shrink,
    dict(type="Maybe", probability=0.25, step=dict(type="GaussianNoise", sigma=(1.0, 10.0))),
    dict(type="Clip"),
    dict(type="Maybe", probability=0.5, step=dict(type="JPEG", quality=(40, 98))),
    dict(type="Quantize"),
]
shrunk = [dict(type="Downscale", scale="${scale}"), dict(type="Quantize")]
web = [
    dict(type="Maybe", probability=0.35, step=dict(type="GaussianBlur", sigma=(0.2, 1.2), size=11)),
    dict(
        type="RandomResize",
        probabilities=(0.0, 0.0, 1.0),
        factor=(1.0, 1.0),
        origin_scale="${scale}",
        kernels=("bicubic", "bilinear", "lanczos", "area"),
        antialias=True,
    ),
    dict(type="Maybe", probability=0.4, step=dict(type="GaussianNoise", sigma=(0.5, 15), gray_probability=0.4)),
    dict(type="Clip"),
    dict(type="Maybe", probability=0.7, step=dict(type="JPEG", quality=(30, 98))),
    dict(type="Quantize"),
]
first_or_second_order = {{_base_.degradation}}
degradation = [
    dict(
        type="PerImage",
        steps=[
            dict(
                type="OneOf",
                weights=(3, 8, 9, 6, 4),
                steps=[
                    dict(type="Compose", steps=shrunk),
                    dict(type="Compose", steps=camera),
                    dict(type="Compose", steps=web),
                    dict(type="Compose", steps=first_or_second_order),
                    dict(type="Compose", steps=out_of_focus),
                ],
            )
        ],
    )
]
