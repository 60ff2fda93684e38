"""Engine: runner, loops, hooks, checkpoints, configs, process groups; what knows mmengine.

Restoring needs checkpoints and configs alone: what trains is imported by the registries that look for it.
"""

from cfmrestore._compat import format_configs_once, train_without_mps

format_configs_once()
train_without_mps()
