"""Metrics as a user names them on a command line."""

import inspect
from typing import Any

from cfmrestore.evaluation.metrics import ImageMetric, SetMetric
from cfmrestore.registry import METRICS, load_plugins, nearest


def metric_config(name: str, weights: str | None = None) -> dict[str, Any]:
    """The config of a metric by its name in any case, with the folder of its weights if it has some.

    "pyiqa:NAME" is a metric of the package pyiqa.
    """
    load_plugins()
    METRICS.import_from_location()
    known = {key.lower(): cls for key, cls in METRICS.module_dict.items() if issubclass(cls, ImageMetric | SetMetric)}
    known.pop("pyiqa", None)
    if name.lower().startswith("pyiqa:"):
        return {"type": "PyIQA", "metric": name[len("pyiqa:") :]}
    if name.lower() not in known:
        raise ValueError(f"there is no metric {name!r}; {nearest(name.lower(), known)}")
    cls = known[name.lower()]
    takes = weights is not None and "weights" in inspect.signature(cls).parameters
    return {"type": cls.__name__, **({"weights": weights} if takes else {})}
