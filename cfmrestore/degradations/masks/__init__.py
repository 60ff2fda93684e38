"""Holes for inpainting."""
