"""Faults of cameras."""
