"""Study files: which trainings are compared, and what each of them changes."""

import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from cfmrestore.engine.config.files import find_config, read_file

_REFERENCE = re.compile(r"\{(\w+)=([^}]+)\}")
_SAMPLING: dict[str, list[Any]] = {"solvers": ["Euler"], "intervals": [1, 2, 4, 8]}  # a choice may have its own
_KEYS = {"base", "options", "axes", "benchmarks", *_SAMPLING}


@dataclass(frozen=True)
class StudyRun:
    """One training of a study; in its options "{axis=choice}" is the weights of the run that differs in that."""

    choices: Mapping[str, str]  # on every axis
    options: Mapping[str, Any] = field(repr=False)
    config: Path = field(repr=False)
    solvers: list[str]
    intervals: list[int]

    @property
    def name(self) -> str:
        """Name of its folder."""
        return "-".join(re.sub(r"\W+", "_", choice).strip("_") for choice in self.choices.values())

    def other(self, axis: str, choice: str) -> str:
        """The name of the run that differs in one choice."""
        return replace(self, choices={**self.choices, axis: choice}).name

    @property
    def needs(self) -> set[str]:
        """The names of the runs whose weights it starts from."""
        texts = [value for value in self.options.values() if isinstance(value, str)]
        return {self.other(*reference) for text in texts for reference in _REFERENCE.findall(text)}

    def resolved(self, weights: Mapping[str, str]) -> dict[str, Any]:
        """The options, with the files that they refer to."""

        def file_of(reference: re.Match[str]) -> str:
            return weights[self.other(reference[1], reference[2])]

        return {
            key: _REFERENCE.sub(file_of, value) if isinstance(value, str) else value
            for key, value in self.options.items()
        }

    def __str__(self) -> str:
        return ", ".join(self.choices.values())


@dataclass(frozen=True)
class Study:
    """All trainings of a study file."""

    runs: list[StudyRun]  # every combination of choices
    axes: Mapping[str, list[str]]  # the choices on every axis, in order
    benchmarks: Mapping[str, str]  # names and folders, as for ``tools/test.py``

    def waves(self) -> list[list[StudyRun]]:
        """The runs in an order in which those that others need come first."""
        left, done, waves = list(self.runs), set[str](), []
        while left:
            ready = [run for run in left if run.needs <= done]
            if not ready:
                missing = sorted(set().union(*(run.needs for run in left)) - {run.name for run in self.runs})
                raise ValueError(f"the study refers to what it does not train: {', '.join(missing) or 'in a circle'}")
            waves.append(ready)
            done |= {run.name for run in ready}
            left = [run for run in left if run not in ready]
        return waves


def _is_nested(value: Any, depth: int) -> bool:
    """A dict that is not empty, of such dicts; the last may be."""
    if not isinstance(value, Mapping):
        return False
    return depth == 0 or (bool(value) and all(_is_nested(inner, depth - 1) for inner in value.values()))


def _listed(path: Path, key: str, value: Any) -> list[Any]:
    if not isinstance(value, list | tuple) or not value:
        raise ValueError(f"{path}: {key} is a list; got {value!r}")
    return list(value)


def read_study(
    path: str | Path, benchmarks: Mapping[str, str] | None = None, changes: Mapping[str, Any] | None = None
) -> Study:
    """A study's file, with other benchmarks, and options that all runs get."""
    path = find_config(path)
    if not path.is_file():
        raise ValueError(f"there is no study {str(path)!r}")
    content = {key: value for key, value in read_file(path).items() if not key.startswith("_")}
    if content.keys() - _KEYS or {"base", "axes"} - content.keys():
        raise ValueError(f"{path}: a study has {', '.join(sorted(_KEYS))}; got {', '.join(sorted(content))}")
    axes = content["axes"]
    if not _is_nested(axes, 2):
        raise ValueError(f"{path}: axes are dicts of choices, which are dicts of a config's keys and their values")
    runs = []
    for names in itertools.product(*axes.values()):
        choices = dict(zip(axes, names, strict=True))
        options = dict(content.get("options", {}))
        for axis, name in choices.items():
            options.update(axes[axis][name])
        sampling = {k: _listed(path, k, options.pop(k, content.get(k, default))) for k, default in _SAMPLING.items()}
        base = find_config(content["base"], path.parent)
        runs.append(StudyRun(choices, {**options, **(changes or {})}, base, **sampling))
    if not all(run.name for run in runs) or len({run.name for run in runs}) < len(runs):
        raise ValueError(f"{path}: every axis needs choices, whose names differ in their letters and digits")
    sets = dict(benchmarks or content.get("benchmarks", {}))
    if not sets:
        raise ValueError(f"{path}: name benchmarks")
    study = Study(runs, {axis: list(choices) for axis, choices in axes.items()}, sets)
    study.waves()
    return study
