# The short chain of the small configs: each step once, in the order of a camera, at one size for the whole batch.
scale = 4
degradation = [
    dict(type="GaussianBlur", sigma=(0.2, 3.0), size=21),
    dict(type="Downscale", scale="${scale}"),
    dict(type="GaussianNoise", sigma=(1.0, 30.0), gray_probability=0.4),
    dict(type="JPEG", quality=(30, 95)),
]
