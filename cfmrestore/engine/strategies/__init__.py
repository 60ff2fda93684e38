"""How the processes of a run divide weights, gradients and optimizer states: the config's ``strategy``."""

from collections.abc import Mapping
from typing import Any

from cfmrestore.engine.strategies.base import Strategy
from cfmrestore.engine.strategies.ddp import DDP
from cfmrestore.engine.strategies.fsdp import FSDP
from cfmrestore.engine.strategies.zero1 import ZeRO1
from cfmrestore.registry import check_keys
from cfmrestore.suggestions import nearest

STRATEGIES: dict[str, type[Strategy]] = {"ddp": DDP, "fsdp": FSDP, "zero1": ZeRO1}


def build_strategy(config: Any) -> Strategy:
    """A strategy by its word, or by ``dict(type=word)`` with its keys."""
    keys = dict(config) if isinstance(config, Mapping) else {"type": config}
    word = keys.pop("type", None)
    if word not in STRATEGIES:
        raise ValueError(f"there is no strategy {word!r}; {nearest(str(word), STRATEGIES)}")
    check_keys(STRATEGIES[word], keys, where="strategy: ")
    return STRATEGIES[word](**keys)
