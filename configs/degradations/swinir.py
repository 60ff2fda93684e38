# SwinIR (Liang et al., 2021, arXiv:2108.10257) trains for real photographs on BSRGAN's chain.
_base_ = "bsrgan.py"
