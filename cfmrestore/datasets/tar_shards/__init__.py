"""Tar shards of samples: their addresses, their tables of places, and a cache of those that lie elsewhere."""
