# White noise of every strength up to 50, colored or gray; the result is not rounded, as in the field's benchmarks.
scale = 1
degradation = [dict(type="GaussianNoise", sigma=(0, 50), gray_probability=0.1)]
