# The network of cfm_unet-1.6m_x4 as a regression: the start without noise, t = 0 alone, one evaluation. What the flow
# is measured against, and what the coupling PosteriorMean starts from.
_base_ = "cfm_unet-1.6m_x4.py"
model = dict(coupling=dict(noise=None), times=dict(zero_probability=1.0), sampling=dict(num_intervals=1))
