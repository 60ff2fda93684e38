# LaMa's thin masks for evaluation (Suvorov et al., 2022, arXiv:2109.07161, random_thin_256.yaml): thin strokes; at
# most half is hole. Lengths are pixels of an image of 256, and grow with it. There are as many strokes as its
# generator draws, up to one more than max_times.
scale = 1
degradation = [dict(type="BoundedMask", mask=dict(type="StrokeMask", strokes=(4, 51), length=(10, 49), width=(5, 14)))]
