"""Clipping and quantization: the range and the levels of values."""
