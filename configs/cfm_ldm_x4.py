# Four times as large pictures: latents of 32x32 to 128x128, which is 256x256 pixels to 1024x1024.
_base_ = "cfm_ldm_x2.py"
scale = 4
