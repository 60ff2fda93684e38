"""Contract of a kind of plugin: its base class, and its promises as checks that need no test runner."""

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn

from cfmrestore.plugins import ContractError, described
from cfmrestore.registry import PluginRegistry, build_plugin

Check: TypeAlias = Callable[[Any], str | None]
"""Raises where a plugin breaks a promise; says why, where it cannot be held to it."""

Keys: TypeAlias = dict[str, Any]


@dataclass(frozen=True)
class Finding:
    """What a check found.

    Args:
        name: Of the check.
        promise: What it holds a plugin to.
        broken: What the plugin does instead; None where it keeps the promise.
        left_out: Why it was not checked; None where it was.
    """

    name: str
    promise: str
    broken: str | None = None
    left_out: str | None = None


@dataclass(frozen=True)
class Contract:
    """What one kind of plugin promises.

    Args:
        registry: Of the plugins.
        base: Their base class, or several of which one will do.
        checks: Their promises.
        offers: What a flow, or the runner, offers to constructors beside the config.
        cases: Keys of the constructor with which the toolkit's own plugins are checked.
        build: In place of the constructor: what makes a plugin of its class and keys.
        unchecked: What cannot be checked for every plugin of the kind, in a line.
    """

    registry: PluginRegistry
    base: type | tuple[type, ...]
    checks: Sequence[Check] = ()
    offers: Callable[[], Keys] = dict
    cases: Mapping[str, Sequence[Keys]] = field(default_factory=dict)
    build: Callable[[Any, Keys], Any] | None = None
    unchecked: str = ""

    @property
    def kind(self) -> str:
        """What messages call it."""
        return self.registry.name

    def cases_of(self, name: str) -> Sequence[Keys]:
        """The keys with which a plugin of that name is checked, where none are given."""
        return self.cases.get(name, [{}])

    def make(self, name: str, keys: Keys) -> Any:
        """A plugin as a flow would build it; layers that it draws are always the same."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            if self.build is not None:
                return self.build(self.registry.get(name), keys)
            return build_plugin({**keys, "type": name}, self.registry, self.offers())

    def findings(self, plugin: Any) -> Iterator[Finding]:
        """What its checks say of a plugin; without the base class no other is of use."""
        bases = self.base if isinstance(self.base, tuple) else (self.base,)
        cls = plugin if isinstance(plugin, type) else type(plugin)
        promise = f"It derives from {' or '.join(f'{one.__module__}.{one.__name__}' for one in bases)}"
        if not issubclass(cls, bases):
            yield Finding("base", promise, f"{cls.__name__} derives from {cls.__bases__[0].__name__}")
            return
        yield Finding("base", promise)
        for check in [*([] if self.build else [check_constructor]), *self.checks]:
            yield run_check(check, plugin)


def run_check(check: Check, plugin: Any) -> Finding:
    """One check; an exception of the plugin's is a promise broken too."""
    name, promise = check.__name__.removeprefix("check_"), (check.__doc__ or "").partition("\n")[0].rstrip(".")
    try:
        return Finding(name, promise, left_out=check(plugin))
    except ContractError as error:
        return Finding(name, promise, broken=error.what or str(error))
    except Exception as error:
        return Finding(name, promise, broken=f"it fails: {described(error, plugin)}")


def check_constructor(plugin: Any) -> str | None:
    """Its constructor takes keywords alone, each named."""
    constructor = type(plugin).__init__
    packages = (one.__module__.partition(".")[0] for one in (constructor, type(plugin)))
    if not inspect.isfunction(constructor) or len({*packages}) > 1:
        return "it has none of its own"
    own = list(inspect.signature(constructor).parameters.values())[1:]
    wrong = [str(one).partition(":")[0].partition("=")[0] for one in own if one.kind is not one.KEYWORD_ONLY]
    require(
        not wrong,
        f"the constructor takes {', '.join(wrong)} other than as named keywords: write a * before the first (of a "
        "dataclass kw_only=True), no *args and no **kwargs",
    )
    return None


def require(kept: object, what: str) -> None:
    """Say what is broken, and how it is mended, unless the promise is kept."""
    if not bool(kept):
        raise ContractError(what)


def close(a: Tensor, b: Tensor, atol: float = 1e-5, rtol: float = 0.0) -> bool:
    """Whether two results are one up to rounding; what has another shape is not."""
    return a.shape == b.shape and torch.allclose(a, b, atol=atol, rtol=rtol)


def shape(x: Tensor) -> str:
    """Of a tensor, for a message."""
    return "x".join(map(str, x.shape))


@torch.no_grad()
def randomize(network: nn.Module, seed: int = 0) -> None:
    """Draw all weights, also those that begin at zero."""
    generator = torch.Generator().manual_seed(seed)
    for parameter in network.parameters():
        fan_in = max(parameter[0].numel(), 1) if parameter.dim() > 1 else 1
        draw = torch.randn(parameter.shape, generator=generator)
        parameter.copy_(draw * (0.5 / fan_in**0.5 if parameter.dim() > 1 else 0.02))
