"""Writing caches of latents: what is encoded, in which tasks, and how a cache is checked."""
