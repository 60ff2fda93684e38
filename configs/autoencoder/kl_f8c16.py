# `ae_f8c16.py` as a variational autoencoder.
_base_ = "ae_f8c16.py"
model = dict(kl=1e-5)
