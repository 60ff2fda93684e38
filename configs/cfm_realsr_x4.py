# Real-world x4 super-resolution by the second-order chain of Real-ESRGAN. The shipped model cfm-realsr-x4.
_base_ = "cfm_x4.py"
degradation = "second_order"
