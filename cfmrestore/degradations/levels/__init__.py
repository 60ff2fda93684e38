"""The range and the levels of values."""
