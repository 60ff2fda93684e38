# BSRGAN (Zhang et al., 2021, arXiv:2103.14006) for a scale of 4: seven steps in random order, of which the two that
# shrink keep theirs. A quarter of the images is halved first, and goes through the steps for a scale of 2.
# Deviations: axes of kernels are uniform in the standard deviation (theirs in the variance), the step that blurs and
# takes every n-th pixel takes the mean of the two beside its center, and noise correlated between channels is left out.
scale = 4
kernels = ("bilinear", "bicubic", "area")
noise = dict(type="Compose", steps=[dict(type="GaussianNoise", sigma=(2, 25), gray_probability=0.4), dict(type="Clip")])
jpeg = dict(type="JPEG", quality=(30, 95))
others = [
    noise,
    dict(type="Maybe", probability=0.9, step=jpeg),
    dict(type="Maybe", probability=0.25, step=dict(type="SensorNoise")),
]
last = dict(type="ResizeTo", scale=4, kernels=kernels)

# Standard deviations up to sqrt(4 + s) along two axes, or 2 + 0.2 s, with the scale s.
blur_4 = dict(
    type="OneOf",
    steps=[
        dict(type="GaussianBlur", sigma=(0.1, 2.828), size=(7, 25)),
        dict(type="GaussianBlur", sigma=(0.1, 2.8), size=(7, 25), isotropic=True),
    ],
)
every_4th = [
    dict(type="GaussianBlur", sigma=(0.1, 2.4), size=25, isotropic=True),
    dict(type="Downscale", scale=4, kernel="bilinear", antialias=False),
]
shrink_4 = dict(
    type="OneOf",
    weights=(0.75, 0.25),
    steps=[dict(type="RandomResize", divisor=(1, 8), kernels=kernels), dict(type="Compose", steps=every_4th)],
)
blur_2 = dict(
    type="OneOf",
    steps=[
        dict(type="GaussianBlur", sigma=(0.1, 2.449), size=(7, 25)),
        dict(type="GaussianBlur", sigma=(0.1, 2.4), size=(7, 25), isotropic=True),
    ],
)
every_2nd = [
    dict(type="GaussianBlur", sigma=(0.1, 1.2), size=25, isotropic=True),
    dict(type="Downscale", scale=2, kernel="bilinear", antialias=False),
]
shrink_2 = dict(
    type="OneOf",
    weights=(0.75, 0.25),
    steps=[dict(type="RandomResize", divisor=(1, 4), kernels=kernels), dict(type="Compose", steps=every_2nd)],
)
halve = dict(
    type="OneOf",
    steps=[dict(type="RandomResize", divisor=(2, 2), kernels=kernels), dict(type="Downscale", scale=2)],
)
whole = dict(type="Shuffle", steps=[blur_4, blur_4, shrink_4, last, *others], in_order=(2, 3))
halved = dict(
    type="Compose",
    steps=[
        halve,
        dict(type="Clip"),
        dict(type="Shuffle", steps=[blur_2, blur_2, shrink_2, last, *others], in_order=(2, 3)),
    ],
)
degradation = [dict(type="PerImage", steps=[dict(type="OneOf", weights=(0.75, 0.25), steps=[whole, halved]), jpeg])]
