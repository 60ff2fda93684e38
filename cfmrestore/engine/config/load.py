"""Reading a config as it is run: options applied, presets inserted, references resolved, keys checked."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mmengine.config import Config

from cfmrestore.engine.config import presets
from cfmrestore.engine.config.check import check, runner_keys
from cfmrestore.engine.config.files import read_bases, read_file, resolve
from cfmrestore.engine.config.splits import use_whole_folders
from cfmrestore.former_names import update_names
from cfmrestore.registry import UnknownKeyError, load_plugins
from cfmrestore.suggestions import nearest


def load_config(name: str | Path, options: Mapping[str, Any] | None = None, *, amp: bool = False) -> Config:
    """Read a config file, apply the options, resolve its references and check every key.

    A string ``"${name}"`` stands for the value of that key after the options were applied, so one option changes all
    places that refer to it. An option that sets a ``type`` starts that dict afresh. ``amp`` takes the optimizer wrapper
    of mixed precision, with the keys of the one that stands there.

    Args:
        name: A path, or ``cfmrestore::NAME.py`` for a config of the package.
        options: Dotted keys and their values.
        amp: Whether to train in mixed precision.
    """
    load_plugins()
    cfg = read_file(name)
    cfg.setdefault("default_scope", "cfmrestore")
    for key in options or {}:
        first = key.split(".")[0]
        if first not in cfg and first not in runner_keys():
            inside = sorted(_places_of(key, cfg._cfg_dict))
            meant = f"did you mean {' or '.join(inside)}?" if inside else nearest(first, set(cfg) | runner_keys())
            raise ValueError(f"--cfg-options: there is no key {first!r}; {meant}")
    merge(cfg, options or {})
    presets.insert(cfg)
    if amp:
        cfg.optim_wrapper.type = "AmpOptimWrapper"
    resolved = update_names(resolve(cfg._cfg_dict, cfg._cfg_dict))
    try:
        check(resolved)
    except UnknownKeyError as error:
        raise ValueError(f"{error}{_inherited(cfg.filename, error.place, error.key)}") from error
    use_whole_folders(resolved)
    return Config(resolved, filename=cfg.filename)


def _places_of(key: str, values: Mapping[str, Any], place: str = "") -> Iterator[str]:
    """Dotted places in a config, outside of its lists, that end with a key."""
    for name, value in values.items():
        here = f"{place}{name}"
        if place and (here == key or here.endswith(f".{key}")):
            yield here
        if isinstance(value, Mapping):
            yield from _places_of(key, value, f"{here}.")


def _inherited(file: str, place: str, key: str) -> str:
    """What to do about a key that a base gives to a plugin of another type; nothing, where none does."""
    base: Any = read_bases(file)._cfg_dict
    for part in place.split("."):
        base = base.get(part) if isinstance(base, Mapping) else None
    if not isinstance(base, Mapping) or key not in base:
        return ""
    return f". {key!r} may come from _base_ ({base.get('type')}): _delete_=True in {place} starts that dict afresh"


def merge(cfg: Config, options: Mapping[str, Any]) -> None:
    """Merge dotted options; one that sets a ``type`` starts that dict afresh."""
    for key in options:
        if key.endswith(".type"):
            _clear(cfg, key.split(".")[:-1])
    cfg.merge_from_dict(dict(options))


def _clear(cfg: Config, parts: list[str]) -> None:
    """Empty the dict at a dotted place, if there is one."""
    place: Any = cfg._cfg_dict
    for part in parts:
        place = place[int(part)] if isinstance(place, list) else place.get(part)
        if place is None:
            return
    place.clear()
