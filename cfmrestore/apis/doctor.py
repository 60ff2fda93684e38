"""What is installed here, what it will run on, and what is missing: of what is broken nothing is needed to say so."""

import os
import platform
import re
from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from importlib.metadata import PackageNotFoundError, entry_points, requires, version
from importlib.util import find_spec
from typing import Any

import cfmrestore
from cfmrestore import model_zoo

_NAME = re.compile(r"[\w.-]+")
_EXTRA = re.compile(r"extra == ['\"]([\w-]+)['\"]")
_BOUND = re.compile(r"(>=|<|==)\s*(\d+(?:\.\d+)*)")
_RELEASE = re.compile(r"\d+(?:\.\d+)*")
_HIDDEN = {"dev"}
_MODULES = {"opencv-python": "cv2", "pillow": "PIL", "pyvips-binary": "pyvips"}
"""What is imported of a package, where it has another name."""


def doctor() -> dict[str, Any]:
    """Versions, devices, memory, extras, plugins and models; under "problems", what does not work, with the mend."""
    problems: list[str] = []
    found = {
        "versions": {"cfmrestore": cfmrestore.__version__, "python": platform.python_version(), **_required(problems)},
        "system": ", ".join([f"{platform.system()} {platform.machine()}", *_seen(_threads, problems)]),
        "devices": _seen(_devices, problems),
        "extras": _extras(),
        "plugins": _seen(lambda: _plugins(problems), problems),
        "models": _seen(lambda: _models(problems), problems),
    }
    return {**found, "problems": problems}


def _required(problems: list[str]) -> dict[str, str]:
    """Versions of the packages without which nothing runs."""
    found, causes = {}, set[str]()
    os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")  # it would ask a server for newer versions
    for requirement in requires("cfmrestore") or []:
        if not _EXTRA.search(requirement):
            name = _NAME.match(requirement)[0]  # type: ignore[index]
            found[name] = _version(name) or "missing"
            if found[name] == "missing":
                problems.append(f"{name} is missing: pip install '{requirement}'")
                causes.add(f"ModuleNotFoundError: No module named '{_module_of(name)}'")
            elif not _fits(found[name], requirement):
                problems.append(f"{name} {found[name]} is too old or too new: pip install '{requirement}'")
            elif (why := _failure(name)) is not None and why not in causes:
                causes.add(why)  # of others that import it too
                problems.append(
                    f"{name} {found[name]} is installed, and cannot be imported ({why}): "
                    f"pip install --force-reinstall '{requirement}'"
                )
    return found


def _fits(number: str, requirement: str) -> bool:
    """Whether a version lies in the bounds of a requirement; what stands behind its numbers (rc1, +cpu) is left out."""
    have = _release(number)
    for sign, bound in _BOUND.findall(requirement.partition(";")[0]):
        limit = _release(bound)
        if not {">=": have >= limit, "<": have < limit, "==": have == limit}[sign]:
            return False
    return True


def _release(number: str) -> list[int]:
    """The numbers of a version without zeros at the end: 2.0 is 2."""
    found = _RELEASE.match(number)
    parts = [int(part) for part in found[0].split(".")] if found else []
    while parts and parts[-1] == 0:
        parts.pop()
    return parts


def _module_of(name: str) -> str:
    return _MODULES.get(name, name.replace("-", "_"))


def _failure(name: str) -> str | None:
    """Why a package cannot be imported, in a line; None where it can."""
    try:
        if name == "torchvision":
            import_module("cfmrestore._compat").patch_torchvision()  # as everywhere before it is used
        import_module(_module_of(name))
    except Exception as error:  # a library of the system that is missing is an OSError, and some raise what they like
        return f"{type(error).__name__}: {' '.join(str(error).split())}"
    return None


def _seen(look: Callable[[], Iterable[str]], problems: list[str]) -> list[str]:
    """What a look finds; nothing where it needs what cannot be imported, which is told of the package."""
    try:
        return list(look())
    except (ImportError, OSError) as error:
        if not problems:
            problems.append(f"{type(error).__name__}: {error}")
        return []


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _threads() -> Iterator[str]:
    import torch

    yield f"{torch.get_num_threads()} threads"


def _devices() -> Iterator[str]:
    """Each device, its precision and the memory that is free; the first is what is taken."""
    import torch

    from cfmrestore.execution.precision import best_precision
    from cfmrestore.restore.free_memory import free_bytes
    from cfmrestore.restore.restorer import device_of

    for name in dict.fromkeys(["auto", *(f"cuda:{n}" for n in range(torch.cuda.device_count())), "cpu"]):
        device = device_of(name)
        if name == "auto" and device.type == "cpu":
            continue
        processor = f"{torch.backends.cpu.get_cpu_capability()} processor"
        title = torch.cuda.get_device_name(device) if device.type == "cuda" else processor
        precision = best_precision(device.type) if device.type == "cuda" else "fp32"
        yield f"{device}: {title}, {precision}, {free_bytes(device) / 2**30:.1f} GiB free"


def _extras() -> dict[str, str]:
    """What is missing of each extra or of another version, and how it is installed."""
    missing: dict[str, list[str]] = {}
    unfit: dict[str, list[str]] = {}
    for requirement in requires("cfmrestore") or []:
        extra = _EXTRA.search(requirement)
        if extra and extra[1] not in _HIDDEN:
            name = _NAME.match(requirement)[0]  # type: ignore[index]
            number = _version(name)
            is_here = number is not None or find_spec(name.replace("-", "_")) is not None  # of another distribution
            missing.setdefault(extra[1], []).extend([] if is_here else [name])
            if number and not _fits(number, requirement):
                unfit.setdefault(extra[1], []).append(f"{name} {number} is too old or too new")
    found = {}
    for title, names in missing.items():
        faults = [f"no {', '.join(names)}"] * bool(names) + unfit.get(title, [])
        found[title] = f"{'; '.join(faults)}: pip install 'cfmrestore[{title}]'" if faults else "installed"
    return found


def _plugins(problems: list[str]) -> list[str]:
    from cfmrestore.registry import PLUGIN_GROUP, load_plugins

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
