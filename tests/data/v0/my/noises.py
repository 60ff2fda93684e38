# Noise, sizes, codecs and masks.
scale = 2
degradation = [
    dict(type="RandomResize", factor=(0.5, 1.5), probabilities=(0.3, 0.6, 0.1), kernels=("area", "bicubic")),
    dict(type="PoissonNoise", scale=(0.05, 1.0), gray_probability=0.5, peak=(100.0, 1000.0)),
    dict(type="SpeckleNoise", sigma=(1.0, 5.0), gray_probability=0.5),
    dict(type="ResizeTo", scale="${scale}", kernels=("area", "bilinear"), antialias=True),
    dict(type="SaltAndPepper", share=(0.0, 0.02), salt=(0.4, 0.6), gray_probability=0.5),
    dict(
        type="OneOf",
        steps=[
            dict(type="JPEG", quality=(60, 90)),
            dict(type="WebP", quality=(60, 90)),
            dict(type="DiffJPEG", quality=(60, 90), soft=False),
        ],
    ),
    dict(
        type="MixedMask",
        fill=0.4,
        weights=(0.4, 0.3, 0.3),
        masks=[
            dict(type="StrokeMask", strokes=(1, 2), segments=(1, 2), length=(4, 8), width=(1, 2), reference_side=None),
            dict(type="BoxMask", boxes=(1, 2), side=(2, 4), margin=1, reference_side=None),
            dict(type="OutpaintMask", sides=(1, 2), share=(0.1, 0.2)),
        ],
    ),
    dict(type="Albumentations", transforms=[dict(type="RandomGamma", p=1.0)], uint8=True),
]
