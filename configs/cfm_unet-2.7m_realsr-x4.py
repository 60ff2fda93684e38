# Real-world x4 super-resolution: photographs as cameras and the web give them, blurred, noisy and compressed, much or
# little. What `cfm_unet-2.7m_realsr-x4_perceptual.py` begins with.
_base_ = "cfm_unet-2.7m_x4.py"
degradation = "camera_or_web"
worker_degradation = "${degradation}"
