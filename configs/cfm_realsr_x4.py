# Real-world x4 super-resolution by the second-order chain of Real-ESRGAN, towards the photographs as they are (its own
# targets are sharpened). The shipped model cfm-realsr-x4.
_base_ = "cfm_x4.py"
degradation = "real_esrgan"
target = []
