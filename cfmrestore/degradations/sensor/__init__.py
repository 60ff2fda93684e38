"""Faults of cameras: noise of the sensor, dead pixels, vignetting, chromatic aberration."""
