"""Config files: where those of the package lie, how any is found and read, and how its keys refer to each other.

mmengine's own ``{{_base_.name}}`` copies a base's value while the file is read; a ``"${name}"`` looks after
--cfg-options were applied, so that one option changes all places.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmengine.config import Config, ConfigDict
from mmengine.config.utils import ConfigParsingError

from cfmrestore.configs_folder import PREFIX, configs_folder
from cfmrestore.suggestions import nearest

_REFERENCE = re.compile(r"\$\{([\w.]+)\}")
_base_path_of_mmengine = Config._get_cfg_path


def find_config(name: str | Path, folder: str | Path = "") -> Path:
    """The file of a config.

    Args:
        name: A path, or ``cfmrestore::NAME.py`` for a config of the package.
        folder: Where a relative path starts; by default the working directory.
    """
    if not str(name).startswith(PREFIX):
        return Path(folder, name)
    root, rest = configs_folder(), str(name).removeprefix(PREFIX)
    if not (root / rest).is_file():
        known = [path.relative_to(root).as_posix() for path in root.rglob("*.py") if "_base_" not in path.parts]
        raise ValueError(f"there is no config {str(name)!r}; {nearest(rest, known)}")
    return root / rest


_SUFFIXES = (".py", ".json", ".yml", ".yaml")


def read_file(name: str | Path) -> Config:
    """What a config file and its bases say, unresolved."""
    path = find_config(name)
    if not path.is_file():
        raise ValueError(f"there is no config {str(name)!r}")
    if path.suffix not in _SUFFIXES:
        raise ValueError(f"{str(name)!r} is no config: one is a file {' '.join(_SUFFIXES)}")
    try:
        cfg = Config.fromfile(path)
        list(cfg._cfg_dict.items())  # what a file without a base imports, mmengine looks for when it is read
    except ConfigParsingError as error:
        raise ValueError(
            f"the config {str(name)!r} cannot be read: _base_ stands above what the file imports"
            if "inheritance chain" in str(error)
            else f"the config {str(name)!r} cannot be read: {error}"
        ) from error
    except (SyntaxError, ImportError, FileNotFoundError, KeyError, NameError, ValueError) as error:
        text = str(error)
        if "the current sys.path is" in text:  # mmengine lists it, a line a folder
            text = text.partition(", the current sys.path is")[0] + (
                ": modules are looked for among the installed ones, in PYTHONPATH and in the working directory"
            )
        raise ValueError(f"the config {str(name)!r} cannot be read: {type(error).__name__}: {text}") from error
    return cfg


def read_bases(path: str) -> Config:
    """What the bases of a config file say, without the file itself."""
    found = Config()
    for base in Config._get_base_files(path):
        found.merge_from_dict(Config.fromfile(Config._get_cfg_path(base, path)[0])._cfg_dict)
    return found


def _base_path(base: str, filename: str) -> tuple[str, str | None]:
    """The file of a ``_base_``, and the scope of its names.

    mmengine finds ``package::folder/name.py`` for OpenMMLab's packages alone, and nothing at the top of their configs.
    """
    if base.startswith(PREFIX):
        return str(find_config(base)), None
    return _base_path_of_mmengine(base, filename)


Config._get_cfg_path = staticmethod(_base_path)


def resolve(value: Any, root: Mapping[str, Any]) -> Any:
    """Replace ``${dotted.name}``; a string that is nothing else takes the type of what it names."""
    if isinstance(value, Mapping):
        return ConfigDict({key: resolve(one, root) for key, one in value.items()})
    if isinstance(value, list | tuple):
        return type(value)(resolve(one, root) for one in value)
    if not isinstance(value, str):
        return value
    if whole := _REFERENCE.fullmatch(value):
        return resolve(_look_up(whole[1], root), root)
    return _REFERENCE.sub(lambda match: str(resolve(_look_up(match[1], root), root)), value)


def _look_up(name: str, root: Mapping[str, Any]) -> Any:
    place: Any = root
    for part in name.split("."):
        if not isinstance(place, Mapping) or part not in place:
            raise ValueError(f"the config refers to ${{{name}}}, which it does not define")
        place = place[part]
    return place
