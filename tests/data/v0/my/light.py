# Light, color, lens, levels and sensor.
scale = 1
degradation = [
    dict(type="Haze", beta=(0.6, 1.0), airlight=(0.7, 1.0), roughness=0.4),
    dict(type="LowLight", alpha=(0.9, 1.0), beta=(0.8, 1.0), gamma=(0.9, 1.2)),
    dict(type="Vignetting", corner=(0.5, 0.9), offset=0.1),
    dict(type="ChromaticAberration", epsilon=(0.0, 0.02)),
    dict(type="ColourCast", gain=(0.8, 1.2), saturation=(0.9, 1.1), hue=(-5.0, 5.0)),
    dict(type="SensorNoise", red=(1.9, 2.4), blue=(1.5, 1.9), shot=(0.001, 0.01), mosaic=True),
    dict(type="DeadPixels", dead=(0.0, 0.01), hot=(0.0, 0.01), gray_probability=0.5),
    dict(type="Maybe", probability=0.5, step=dict(type="Grayscale")),
    dict(type="Clip"),
    dict(type="Banding", bits=(4, 6), dither_probability=0.5),
    dict(type="Quantise", levels=200),
]
