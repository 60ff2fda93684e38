# The network of cfm_unet-1.6m_realsr-x4 as a regression.
_base_ = "cfm_unet-1.6m_realsr-x4.py"
model = dict(
    coupling=dict(noise=None),
    times=dict(zero_probability=1.0),
    sampling=dict(num_intervals=1, noise_contrast_limit=None),
)
