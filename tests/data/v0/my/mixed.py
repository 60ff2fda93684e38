# A preset of one's own, in the light of a cheap camera.
scale = 2
target = [dict(type="USMSharp", size=7, weight=0.5, threshold=10.0)]
degradation = [
    dict(type="GeneralisedBlur", sigma=(0.3, 1.5), beta=(0.5, 2.0), size=7),
    dict(type="ColourCast", gain=(0.9, 1.1), saturation=(0.8, 1.2), hue=(-20.0, 20.0)),
    dict(type="Downscale", scale="${scale}"),
    dict(type="GaussianNoise", sigma=(1.0, 10.0), gray_probability=0.4),
    dict(type="Quantise", levels=64),
]
