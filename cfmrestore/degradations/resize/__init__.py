"""Changes of size."""
