# Photographs as small cameras and the web give them: Real-ESRGAN's model (Wang et al., 2021, arXiv:2107.10833, section
# 3.2), blur, resizing, noise and JPEG, and all four again in that order: the last noise is that of the small picture,
# and always to be seen. Milder than there, so that more of a picture is left to restore: Gaussian kernels of up to one
# pixel alone, sizes that change less, weak noise and JPEG in the first round, a second blur in 30 % of the pictures,
# JPEG of 70 to 95 last; nothing rings, and targets are not sharpened.
scale = 4
kernels = ("bilinear", "bicubic")  # of the last resizing
blur_1 = dict(
    type="OneOf",
    weights=(0.6, 0.4),
    steps=[
        dict(type="GaussianBlur", sigma=(0.2, 1.0), size=(7, 21), isotropic=True),
        dict(type="GaussianBlur", sigma=(0.2, 1.0), size=(7, 21)),
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
        dict(type="GaussianNoise", sigma=(3, 30), gray_probability=0.4),
        dict(type="PoissonNoise", scale=(0.3, 3.0), gray_probability=0.4),
    ],
)
steps = [
    blur_1,
    dict(type="RandomResize", factor=(0.7, 1.4), probabilities=(0.3, 0.4, 0.3)),
    noise_1,
    dict(type="JPEG", quality=(75, 95)),
    dict(type="Maybe", probability=0.3, step=dict(type="GaussianBlur", sigma=(0.2, 0.6), size=(7, 13))),
    dict(
        type="RandomResize", probabilities=(0.0, 0.0, 1.0), factor=(1.0, 1.0), origin_scale="${scale}", kernels=kernels
    ),
    noise_2,
    dict(type="Clip"),
    dict(type="JPEG", quality=(70, 95)),
    dict(type="Quantize"),
]
degradation = [dict(type="PerImage", steps=steps)]
