"""Masks for inpainting."""
