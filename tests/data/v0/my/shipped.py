# The recipe of the shipped model with another sampling.
_base_ = "../configs/cfm_realsr_x4.py"
model = dict(sampling=dict(num_intervals=2, noise_fades_at=0.4, colour="adain", fidelity=0.25))
