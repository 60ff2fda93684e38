"""torch.compile by regions: of a network the blocks of which it is made, each kind once."""

import os
from collections import Counter
from pathlib import Path

import torch
from torch import nn

_KINDS = 64  # of one class with different shapes, for which torch keeps code; its own limit of 8 is for whole networks


def compile_blocks(module: nn.Module) -> None:
    """Compile the repeated blocks below a module in place, or all of it where it has none.

    Blocks of one kind share their code, so that a deep network is compiled in the time of its kinds.
    """
    keep_compiled()
    config = torch._dynamo.config
    config.recompile_limit = max(config.recompile_limit, _KINDS)
    for block in repeated_blocks(module) or [module]:
        block.compile()


def keep_compiled() -> None:
    """What is compiled from here on stays on disk, where the next process finds it.

    It lies in TORCHINDUCTOR_CACHE_DIR, or the user's cache folder.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "cfmrestore" / "compiled"
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(cache))


def repeated_blocks(module: nn.Module) -> list[nn.Module]:
    """The outermost modules of several layers whose class occurs again."""
    counts, found, below = Counter(type(one) for one in module.modules()), [], [*module.children()]
    for child in below:
        is_block = counts[type(child)] > 1 and not isinstance(child, nn.ModuleList | nn.ModuleDict | nn.Sequential)
        if is_block and len([*child.modules()]) > 2:
            found.append(child)
        else:
            below.extend(child.children())
    return found
