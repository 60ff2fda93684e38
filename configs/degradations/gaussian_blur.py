# One Gaussian, of which nothing is random: for restoration from a known degradation.
scale = 1
degradation = [dict(type="GaussianBlur", sigma=(2.0, 2.0), size=21, isotropic=True), dict(type="Quantize")]
