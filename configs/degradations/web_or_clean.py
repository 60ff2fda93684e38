# `web`, and pictures that have little or nothing: a tenth is clean, and three in ten were hardly compressed, a few of
# them with a trace of noise. A model that never saw such takes detail for a fault.
_base_ = "web.py"
scale = 1
hardly = [
    dict(type="Maybe", probability=0.3, step=dict(type="GaussianNoise", sigma=(0.3, 3), gray_probability=0.4)),
    dict(type="Clip"),
    dict(type="JPEG", quality=(75, 100)),
    dict(type="Quantize"),
]
web = {{_base_.degradation}}
degradation = [
    dict(
        type="PerImage",
        steps=[
            dict(
                type="OneOf",
                weights=(1, 3, 6),
                steps=[
                    dict(type="Quantize"),
                    dict(type="Compose", steps=hardly),
                    dict(type="Compose", steps=web),
                ],
            )
        ],
    )
]
