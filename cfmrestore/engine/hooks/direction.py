"""What is better: more of a metric, or less."""

from collections.abc import Mapping
from typing import Any

from cfmrestore.evaluation.metrics.base import Metric


def check_rule(rule: str | None) -> str | None:
    """A rule as configs say it, or None for the metric's own."""
    if rule not in ("greater", "less", None):
        raise ValueError(f"rule is 'greater' or 'less', or left to the metric; got {rule!r}")
    return rule


def rule_of(runner: Any, column: Any, rule: str | None) -> str:
    """The rule of a column of the validation: the metric knows it, and one that is given must not say the opposite."""
    evaluator = getattr(getattr(runner, "val_loop", None), "evaluator", None)
    if not isinstance(column, str):
        raise ValueError(f"the best weights are those by one metric; got {column!r}")
    metrics = [metric for metric in getattr(evaluator, "metrics", ()) if isinstance(metric, Metric)]
    directions: Mapping[str, bool] = {name: higher for one in metrics for name, higher in one.columns.items()}
    higher = directions.get(column.rpartition("/")[2])
    if higher is None and directions and evaluator is not None and len(metrics) == len(evaluator.metrics):
        measured = ", ".join(directions)
        raise ValueError(
            f"{column!r} is not measured; the validation gives {measured}: add it to val_evaluator, as in "
            f'val_evaluator=\'[dict(type="PSNR"),dict(type="{column}")]\''
        )
    if higher is None and rule is None:
        raise ValueError(f"whether more of {column!r} is better, no metric says: give rule='greater' or 'less'")
    own = rule if higher is None else "greater" if higher else "less"
    assert own is not None
    if rule not in (None, own):
        raise ValueError(
            f"rule={rule!r} would keep the worst {column!r}: say rule={own!r} (or None, and the metric says it)"
        )
    return own
