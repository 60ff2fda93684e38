"""Metrics, and the protocols by which images are compared."""
