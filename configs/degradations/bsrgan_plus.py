# The harder chain of BSRGAN's authors for a scale of 4 (degradation_bsrgan_plus in their code, KAIR): blur, resizing
# and noise of every kind twice, and JPEG; half of the images get the steps in random order. Targets are sharpened.
# Deviations: those of bsrgan.py.
scale = 4
kernels = ("bilinear", "bicubic", "area")
blur = dict(
    type="OneOf",
    steps=[
        dict(type="GaussianBlur", sigma=(0.1, 2.828), size=(7, 25)),
        dict(type="GaussianBlur", sigma=(0.1, 2.8), size=(7, 25), isotropic=True),
    ],
)
resize = dict(type="RandomResize", factor=(0.125, 2.0), probabilities=(0.2, 0.7, 0.1), kernels=kernels)
clip = dict(type="Clip")
gaussian = dict(type="Compose", steps=[dict(type="GaussianNoise", sigma=(2, 25), gray_probability=0.4), clip])
poisson = dict(
    type="Compose",
    steps=[dict(type="PoissonNoise", scale=(1.0, 1.0), peak=(1e2, 1e4), gray_probability=0.5), clip],
)
speckle = dict(type="Compose", steps=[dict(type="SpeckleNoise", sigma=(2, 25), gray_probability=0.4), clip])
noise = [
    gaussian,
    dict(type="Maybe", probability=0.1, step=poisson),
    dict(type="Maybe", probability=0.1, step=speckle),
    dict(type="Maybe", probability=0.1, step=dict(type="SensorNoise")),
]
jpeg = dict(type="JPEG", quality=(30, 95))
noises = dict(type="Shuffle", steps=noise)
shuffled = dict(type="Shuffle", steps=[blur, resize, *noise, jpeg, blur, resize, *noise])
ordered = dict(type="Compose", steps=[blur, resize, noises, jpeg, blur, resize, noises])
target = [dict(type="USMSharp")]
degradation = [
    dict(
        type="PerImage",
        steps=[
            dict(type="OneOf", steps=[shuffled, ordered]),
            dict(type="ResizeTo", scale=4, kernels=kernels),
            jpeg,
        ],
    )
]
