# Every blur, in every combinator.
scale = 1
degradation = [
    dict(
        type="PerImage",
        steps=[
            dict(
                type="Shuffle",
                in_order=(0, 2),
                steps=[
                    dict(type="GaussianBlur", sigma=(0.2, 1.0), size=(5, 7), isotropic=True),
                    dict(type="MotionBlur", length=(2.0, 3.0), curvature=(0.0, 2.0)),
                    dict(type="DefocusBlur", radius=(0.5, 1.5)),
                ],
            ),
            dict(
                type="OneOf",
                weights=(0.5, 0.5),
                steps=[
                    dict(type="PlateauBlur", sigma=(0.2, 1.5), beta=(1.0, 2.0), size=5, isotropic=False),
                    dict(type="GeneralisedBlur", sigma=(0.2, 1.5), beta=(0.5, 4.0), size=5, isotropic=False),
                ],
            ),
            dict(type="Repeat", times=(1, 2), steps=[dict(type="SincBlur", cutoff=(1.5, 3.0), size=7)]),
            dict(type="Compose", steps=[dict(type="USMSharp", size=5, weight=0.3, threshold=5.0)]),
        ],
    )
]
