"""What is installed here, what it will run on, and what is missing."""

import platform
import re
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, entry_points, requires, version
from typing import Any

import torch

import cfmrestore
from cfmrestore import model_zoo
from cfmrestore.engine.amp_optim_wrapper import best_precision
from cfmrestore.registry import PLUGIN_GROUP, load_plugins
from cfmrestore.restore.free_memory import free_bytes
from cfmrestore.restore.restorer import device_of

_NAME = re.compile(r"[\w.-]+")
_EXTRA = re.compile(r"extra == ['\"]([\w-]+)['\"]")
_HIDDEN = {"dev"}


def doctor() -> dict[str, Any]:
    """Versions, devices, memory, extras, plugins and models; under "problems", what does not work, with the mend."""
    problems: list[str] = []
    found = {
        "versions": {"cfmrestore": cfmrestore.__version__, "python": platform.python_version(), **_required(problems)},
        "system": f"{platform.system()} {platform.machine()}, {torch.get_num_threads()} threads",
        "devices": list(_devices()),
        "extras": _extras(),
        "plugins": _plugins(problems),
        "models": _models(problems),
    }
    return {**found, "problems": problems}


def _required(problems: list[str]) -> dict[str, str]:
    """Versions of the packages without which nothing runs."""
    found = {}
    for requirement in requires("cfmrestore") or []:
        if not _EXTRA.search(requirement):
            name = _NAME.match(requirement)[0]  # type: ignore[index]
            found[name] = _version(name) or "missing"
            if found[name] == "missing":
                problems.append(f"{name} is missing: pip install '{requirement}'")
    return found


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _devices() -> Iterator[str]:
    """Each device, its precision and the memory that is free; the first is what is taken."""
    for name in dict.fromkeys(["auto", *(f"cuda:{n}" for n in range(torch.cuda.device_count())), "cpu"]):
        device = device_of(name)
        if name == "auto" and device.type == "cpu":
            continue
        title = torch.cuda.get_device_name(device) if device.type == "cuda" else _processor()
        precision = best_precision(device.type) if device.type == "cuda" else "fp32"
        yield f"{device}: {title}, {precision}, {free_bytes(device) / 2**30:.1f} GiB free"


def _processor() -> str:
    return f"{torch.backends.cpu.get_cpu_capability()} processor"


def _extras() -> dict[str, str]:
    """What is missing of each extra, and how it is installed."""
    missing: dict[str, list[str]] = {}
    for requirement in requires("cfmrestore") or []:
        extra = _EXTRA.search(requirement)
        if extra and extra[1] not in _HIDDEN:
            name = _NAME.match(requirement)[0]  # type: ignore[index]
            missing.setdefault(extra[1], []).extend([] if _version(name) else [name])
    return {
        extra: f"no {', '.join(names)}: pip install 'cfmrestore[{extra}]'" if names else "installed"
        for extra, names in missing.items()
    }


def _plugins(problems: list[str]) -> list[str]:
    try:
        load_plugins()
    except ValueError as error:
        problems.append(f"{error}: mend it, or uninstall its package")
    return [f"{entry.name} ({entry.value})" for entry in entry_points(group=PLUGIN_GROUP)]


def _models(problems: list[str]) -> list[str]:
    whole = []
    for name in model_zoo.cards():
        try:
            model_zoo.find_bundled(name)
            whole.append(name)
        except ValueError as error:
            problems.append(str(error))
    return whole


def report(found: dict[str, Any]) -> str:
    """What was found, as lines for a person."""
    lines = [found["system"], *found["devices"]]
    lines.append("versions: " + ", ".join(f"{name} {number}" for name, number in found["versions"].items()))
    lines += [f"extra {name}: {state}" for name, state in found["extras"].items()]
    lines.append("plugins: " + (", ".join(found["plugins"]) or "none"))
    lines.append("models: " + (", ".join(found["models"]) or "none"))
    return "\n".join([*lines, *(f"problem: {problem}" for problem in found["problems"]), _verdict(found["problems"])])


def _verdict(problems: list[str]) -> str:
    return f"{len(problems)} to mend" if problems else "all is well"
