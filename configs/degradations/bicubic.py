# MATLAB's imresize, rounded to 8 bits: the input of the classical benchmarks.
scale = 4
degradation = [dict(type="Downscale", scale="${scale}"), dict(type="Quantize")]
