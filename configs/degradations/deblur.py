# Camera shake, defocus or a Gaussian, with the little noise that makes the inverse ill-posed.
scale = 1
blur = [
    dict(type="MotionBlur"),
    dict(type="DefocusBlur", radius=(1.0, 5.0)),
    dict(type="GaussianBlur", sigma=(0.5, 4.0), size=25),
]
degradation = [
    dict(type="OneOf", weights=(0.6, 0.2, 0.2), steps=blur),
    dict(type="GaussianNoise", sigma=(0, 3)),
    dict(type="Quantize"),
]
