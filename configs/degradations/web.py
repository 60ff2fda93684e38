# Photographs at their own size as the web gives them: a little soft or not, with noise or not, compressed or not, and
# sharpened before or not. Each fault is drawn apart, so that clean ones are among them.
scale = 1
degradation = [
    dict(
        type="PerImage",
        steps=[
            dict(type="Maybe", probability=0.5, step=dict(type="GaussianBlur", sigma=(0.3, 1.3), size=11)),
            dict(type="Maybe", probability=0.2, step=dict(type="USMSharp", weight=0.6, size=5, threshold=0)),
            dict(type="Maybe", probability=0.65, step=dict(type="GaussianNoise", sigma=(1, 20), gray_probability=0.4)),
            dict(type="Clip"),
            dict(type="Maybe", probability=0.7, step=dict(type="JPEG", quality=(25, 95))),
            dict(type="Maybe", probability=0.15, step=dict(type="JPEG", quality=(50, 95))),
            dict(type="Quantize"),
        ],
    )
]
