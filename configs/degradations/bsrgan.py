# BSRGAN (Zhang et al., 2021, arXiv:2103.14006): seven steps in random order, of which the two that shrink keep theirs.
# Two deviations: axes of kernels are uniform in the standard deviation (theirs in the variance), and the step that
# blurs and takes every n-th pixel takes the mean of the two beside its centre.
scale = 4
kernels = ("bilinear", "bicubic", "area")
blur = dict(
    type="OneOf",
    steps=[
        dict(type="GaussianBlur", sigma=(0.1, 2.8), size=(7, 23)),  # its eigenvalues reach 4 + scale
        dict(type="GaussianBlur", sigma=(0.1, 2.8), size=(7, 23), isotropic=True),  # up to 2 + 0.2 scale
    ],
)
shrink_somewhat = dict(
    type="OneOf",
    weights=(0.75, 0.25),
    steps=[
        dict(type="RandomResize", divisor=(1, 8), kernels=kernels),
        dict(
            type="Compose",
            steps=[
                dict(type="GaussianBlur", sigma=(0.1, 2.4), size=25, isotropic=True),
                dict(type="Downscale", scale="${scale}", kernel="bilinear", antialias=False),
            ],
        ),
    ],
)
noise = dict(type="GaussianNoise", sigma=(2, 25), gray_probability=0.4)
jpeg = dict(type="JPEG", quality=(30, 95))
shuffled = [
    blur,
    blur,
    shrink_somewhat,
    dict(type="ResizeTo", scale="${scale}", kernels=kernels),
    dict(type="Compose", steps=[noise, dict(type="Clip")]),
    dict(type="Maybe", probability=0.9, step=jpeg),
    dict(type="Maybe", probability=0.25, step=dict(type="SensorNoise")),
]
degradation = [dict(type="PerImage", steps=[dict(type="Shuffle", steps=shuffled, in_order=(2, 3)), jpeg])]
