# The harder chain of BSRGAN's authors (degradation_bsrgan_plus in their code): blur, resizing and noise of every kind
# twice, in random order, and JPEG at the end.
scale = 4
kernels = ("bilinear", "bicubic", "area")
blur = dict(
    type="OneOf",
    steps=[
        dict(type="GaussianBlur", sigma=(0.1, 2.8), size=(7, 23)),
        dict(type="GaussianBlur", sigma=(0.1, 2.8), size=(7, 23), isotropic=True),
    ],
)
resize = dict(type="RandomResize", factor=(0.125, 2.0), probabilities=(0.2, 0.7, 0.1), kernels=kernels)
clip = dict(type="Clip")
gaussian = dict(type="Compose", steps=[dict(type="GaussianNoise", sigma=(2, 25), gray_probability=0.4), clip])
poisson = dict(type="Compose", steps=[dict(type="PoissonNoise", scale=(1.0, 1.0), gray_probability=0.5), clip])
speckle = dict(type="Compose", steps=[dict(type="SpeckleNoise", sigma=(2, 25)), clip])
noise = [
    gaussian,
    dict(type="Maybe", probability=0.1, step=poisson),
    dict(type="Maybe", probability=0.1, step=speckle),
    dict(type="Maybe", probability=0.1, step=dict(type="SensorNoise")),
]
degradation = [
    dict(
        type="PerImage",
        steps=[
            dict(type="Maybe", probability=0.5, step=dict(type="USMSharp")),
            dict(type="Shuffle", steps=[blur, resize, *noise, blur, resize, *noise]),
            dict(type="ResizeTo", scale="${scale}", kernels=kernels),
            dict(type="JPEG", quality=(30, 95)),
        ],
    )
]
