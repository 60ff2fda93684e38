# The milder second-order chain of StableSR (Wang et al., 2023, arXiv:2305.07015), whose configs take these values.
scale = 4
ringing = dict(type="SincBlur", cutoff=(0.6283, 3.1416), cutoff_small=(1.0472, 3.1416), size=(7, 21))  # from pi/5, pi/3
kernel_weights = (0.45, 0.25, 0.12, 0.03, 0.12, 0.03)
kernels_1 = [
    dict(type="GaussianBlur", sigma=(0.2, 1.5), size=(7, 21), isotropic=True),
    dict(type="GaussianBlur", sigma=(0.2, 1.5), size=(7, 21)),
    dict(type="GeneralizedBlur", sigma=(0.2, 1.5), beta=(0.5, 2.0), size=(7, 21), isotropic=True),
    dict(type="GeneralizedBlur", sigma=(0.2, 1.5), beta=(0.5, 2.0), size=(7, 21)),
    dict(type="PlateauBlur", sigma=(0.2, 1.5), beta=(1.0, 1.5), size=(7, 21), isotropic=True),
    dict(type="PlateauBlur", sigma=(0.2, 1.5), beta=(1.0, 1.5), size=(7, 21)),
]
kernels_2 = [
    dict(type="GaussianBlur", sigma=(0.2, 1.0), size=(7, 21), isotropic=True),
    dict(type="GaussianBlur", sigma=(0.2, 1.0), size=(7, 21)),
    dict(type="GeneralizedBlur", sigma=(0.2, 1.0), beta=(0.5, 2.0), size=(7, 21), isotropic=True),
    dict(type="GeneralizedBlur", sigma=(0.2, 1.0), beta=(0.5, 2.0), size=(7, 21)),
    dict(type="PlateauBlur", sigma=(0.2, 1.0), beta=(1.0, 1.5), size=(7, 21), isotropic=True),
    dict(type="PlateauBlur", sigma=(0.2, 1.0), beta=(1.0, 1.5), size=(7, 21)),
]
blur_1 = dict(
    type="OneOf", weights=(0.1, 0.9), steps=[ringing, dict(type="OneOf", weights=kernel_weights, steps=kernels_1)]
)
blur_2 = dict(
    type="OneOf", weights=(0.1, 0.9), steps=[ringing, dict(type="OneOf", weights=kernel_weights, steps=kernels_2)]
)
jpeg_2 = dict(type="JPEG", quality=(60, 100))
shrink = [
    dict(type="ResizeTo", scale="${scale}"),
    dict(type="Maybe", probability=0.8, step=dict(type="SincBlur", cutoff=(1.0472, 3.1416), size=(7, 21))),
]
steps = [
    blur_1,
    dict(type="RandomResize", factor=(0.3, 1.5), probabilities=(0.2, 0.7, 0.1)),
    dict(
        type="OneOf",
        steps=[
            dict(type="GaussianNoise", sigma=(1, 15), gray_probability=0.4),
            dict(type="PoissonNoise", scale=(0.05, 2.0), gray_probability=0.4),
        ],
    ),
    dict(type="JPEG", quality=(60, 95)),
    dict(type="Maybe", probability=0.5, step=blur_2),
    dict(type="RandomResize", factor=(0.6, 1.2), probabilities=(0.3, 0.4, 0.3), origin_scale="${scale}"),
    dict(
        type="OneOf",
        steps=[
            dict(type="GaussianNoise", sigma=(1, 12), gray_probability=0.4),
            dict(type="PoissonNoise", scale=(0.05, 1.0), gray_probability=0.4),
        ],
    ),
    dict(type="Clip"),
    dict(
        type="OneOf",
        steps=[dict(type="Compose", steps=[*shrink, jpeg_2]), dict(type="Compose", steps=[jpeg_2, *shrink])],
    ),
    dict(type="Quantize"),
]
target = [dict(type="USMSharp")]
degradation = [dict(type="PerImage", steps=steps)]
