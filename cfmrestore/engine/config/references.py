"""References between the keys of a config: ``"${name}"``.

mmengine's own ``{{_base_.name}}`` copies a base's value while the file is read; this one looks after --cfg-options were
applied, so that one option changes all places.
"""

import re
from collections.abc import Mapping
from typing import Any

from mmengine.config import ConfigDict

_REFERENCE = re.compile(r"\$\{([\w.]+)\}")


def resolve(value: Any, root: Mapping[str, Any]) -> Any:
    """Replace ``${dotted.name}``; a string that is nothing else takes the type of what it names."""
    if isinstance(value, Mapping):
        return ConfigDict({key: resolve(one, root) for key, one in value.items()})
    if isinstance(value, list | tuple):
        return type(value)(resolve(one, root) for one in value)
    if not isinstance(value, str):
        return value
    whole = _REFERENCE.fullmatch(value)
    if whole:
        return resolve(_look_up(whole[1], root), root)
    return _REFERENCE.sub(lambda match: str(resolve(_look_up(match[1], root), root)), value)


def _look_up(name: str, root: Mapping[str, Any]) -> Any:
    place: Any = root
    for part in name.split("."):
        if not isinstance(place, Mapping) or part not in place:
            raise ValueError(f"the config refers to ${{{name}}}, which it does not define")
        place = place[part]
    return place
