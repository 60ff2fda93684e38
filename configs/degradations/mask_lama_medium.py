# LaMa's medium masks for evaluation (Suvorov et al., 2022, arXiv:2109.07161, random_medium_256.yaml): strokes, or
# boxes for three images of thirteen; at most half is hole. Lengths are pixels of an image of 256, and grow with it.
# There are as many strokes as its generator draws, up to one more than max_times.
scale = 1
degradation = [
    dict(
        type="BoundedMask",
        mask=dict(
            type="MixedMask",
            masks=[
                dict(type="StrokeMask", strokes=(4, 6), length=(10, 109), width=(5, 54)),
                dict(type="BoxMask", boxes=(1, 5), side=(10, 50), margin=0),
            ],
            weights=(1, 0.3),
        ),
    )
]
