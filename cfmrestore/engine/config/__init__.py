"""Configs: files and their names, references, presets of degradations, reading, and checking every key."""
