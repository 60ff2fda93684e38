# LaMa's thick masks for evaluation (Suvorov et al., 2022, arXiv:2109.07161, random_thick_256.yaml): thick strokes, or
# large boxes for three images of thirteen; at most half is hole. Lengths are pixels of an image of 256, and grow with
# it. There are as many strokes as its generator draws, up to one more than max_times.
scale = 1
degradation = [
    dict(
        type="BoundedMask",
        mask=dict(
            type="MixedMask",
            masks=[
                dict(type="StrokeMask", strokes=(1, 6), length=(10, 209), width=(5, 104)),
                dict(type="BoxMask", boxes=(1, 3), side=(30, 150), margin=10),
            ],
            weights=(1, 0.3),
        ),
    )
]
