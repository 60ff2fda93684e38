"""Metrics as a user names them on a command line."""

import inspect
from typing import Any

from cfmrestore.evaluation.metrics import ImageMetric, SetMetric
from cfmrestore.registry import FEATURES, METRICS, load_plugins
from cfmrestore.suggestions import nearest


def metric_config(name: str, weights: str | None = None, **offers: Any) -> dict[str, Any]:
    """The config of a metric by its name in any case, with the folder of its weights if it has some.

    "pyiqa:NAME" is a metric of the package pyiqa, "NAME:FEATURES" one in the features of another network, such as
    "kid:EfficientNetLite".

    Args:
        offers: Other keys, for those metrics that take them, unless None.
    """
    load_plugins()
    METRICS.import_from_location()
    known = {key.lower(): cls for key, cls in METRICS.module_dict.items() if issubclass(cls, ImageMetric | SetMetric)}
    known.pop("pyiqa", None)
    if name.lower().startswith("pyiqa:"):
        return {"type": "PyIQA", "metric": name[len("pyiqa:") :]}
    metric, _, features = name.lower().partition(":")
    if metric not in known:
        raise ValueError(f"there is no metric {name!r}; {nearest(metric, known)}")
    cls = known[metric]
    taken = {*inspect.signature(cls).parameters} - (set() if getattr(cls, "takes_reference", False) else {"reference"})
    config = {key: value for key, value in {"weights": weights, **offers}.items() if value is not None and key in taken}
    if features:
        FEATURES.import_from_location()
        spaces = {key.lower(): key for key in FEATURES.module_dict}
        if "features" not in taken or features not in spaces:
            known_spaces = nearest(features, spaces) if "features" in taken else f"{cls.__name__} has none to choose"
            raise ValueError(f"there is no metric {name!r}: there are no such features; {known_spaces}")
        config["features"] = spaces[features]
    return {"type": cls.__name__, **config}
