# Heavily damaged faces: CodeFormer (Zhou et al., 2022, arXiv:2206.11253), values of its second stage's options.
scale = 1
blur = [
    dict(type="GaussianBlur", sigma=(1, 15), size=41, isotropic=True),
    dict(type="GaussianBlur", sigma=(1, 15), size=41),
]
degradation = [
    dict(
        type="PerImage",
        steps=[
            dict(type="OneOf", steps=blur),
            dict(type="RandomResize", divisor=(4, 30), kernels=("bilinear",)),
            dict(type="GaussianNoise", sigma=(0, 20)),
            dict(type="JPEG", quality=(30, 80)),
            dict(type="ResizeTo", scale=1, kernels=("bilinear",)),
            dict(type="Quantize"),
        ],
    )
]
