"""Pure tensor functions: torch and numpy alone."""
