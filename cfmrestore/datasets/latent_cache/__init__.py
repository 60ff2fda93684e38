"""Caches of latents: their files, and the order in which they are gone through."""
