# Photographs as small cameras and the web give them: the steps of Real-ESRGAN's second-order chain (Wang et al., 2021,
# arXiv:2107.10833), of which blur and the first round are milder, so that more of a picture is left to restore, and the noise
# of the second round, which is that of the small picture, is as strong as in its first; targets are not sharpened.
scale = 4
blur_1 = dict(
    type="OneOf",
    weights=(0.6, 0.4),
    steps=[
        dict(type="GaussianBlur", sigma=(0.2, 1.5), size=(7, 21), isotropic=True),
        dict(type="GaussianBlur", sigma=(0.2, 1.5), size=(7, 21)),
    ],
)
noise_1 = dict(
    type="OneOf",
    weights=(0.8, 0.2),
    steps=[
        dict(type="GaussianNoise", sigma=(1, 10), gray_probability=0.4),
        dict(type="PoissonNoise", scale=(0.05, 1.0), gray_probability=0.4),
    ],
)
noise_2 = dict(
    type="OneOf",
    weights=(0.8, 0.2),
    steps=[
        dict(type="GaussianNoise", sigma=(1, 30), gray_probability=0.4),
        dict(type="PoissonNoise", scale=(0.05, 3.0), gray_probability=0.4),
    ],
)
steps = [
    blur_1,
    dict(type="RandomResize", factor=(0.7, 1.4), probabilities=(0.3, 0.4, 0.3)),
    noise_1,
    dict(type="JPEG", quality=(75, 95)),
    dict(type="Maybe", probability=0.3, step=dict(type="GaussianBlur", sigma=(0.2, 0.8), size=(7, 13))),
    dict(type="RandomResize", factor=(0.8, 1.2), probabilities=(0.3, 0.4, 0.3), origin_scale="${scale}"),
    noise_2,
    dict(type="Clip"),
    dict(type="ResizeTo", scale="${scale}"),
    dict(type="JPEG", quality=(50, 95)),
    dict(type="Quantise"),
]
degradation = [dict(type="PerImage", steps=steps)]
