"""Blurs: each image is convolved with a kernel of its own."""
