# `ae_f4c4.py` as a variational autoencoder.
_base_ = "ae_f4c4.py"
model = dict(kl=1e-5)
