# Faces, restored at their own size: GFPGAN (Wang et al., 2021, arXiv:2101.04061), values of train_gfpgan_v1.yml.
scale = 1
blur = [
    dict(type="GaussianBlur", sigma=(0.1, 10), size=41, isotropic=True),
    dict(type="GaussianBlur", sigma=(0.1, 10), size=41),
]
degradation = [
    dict(
        type="PerImage",
        steps=[
            dict(type="OneOf", steps=blur),
            dict(type="RandomResize", divisor=(0.8, 8), kernels=("bilinear",)),
            dict(type="GaussianNoise", sigma=(0, 20)),
            dict(type="JPEG", quality=(60, 100)),
            dict(type="ResizeTo", scale=1, kernels=("bilinear",)),
            dict(type="Maybe", probability=0.3, step=dict(type="ColorCast")),
            dict(type="Maybe", probability=0.01, step=dict(type="Grayscale")),
            dict(type="Quantize"),
        ],
    )
]
