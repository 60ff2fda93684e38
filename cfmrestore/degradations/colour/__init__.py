"""Light and colour."""
