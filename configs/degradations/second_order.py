# The second-order chain of Real-ESRGAN, towards the photographs as they are: targets are not sharpened.
_base_ = "real_esrgan.py"
target = []
