"""Resizing: changes of size."""
