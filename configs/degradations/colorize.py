# Gray photographs.
scale = 1
degradation = [dict(type="Grayscale"), dict(type="Quantize")]
