"""What users rely on: public names, registry names with their config keys, command-line flags; former names of all too.

A change that removes one of them must say so, in inventory.json and in the CHANGELOG.
"""

import argparse
import inspect
import json
import re
from pathlib import Path
from typing import Any

import pytest

import cfmrestore
from cfmrestore import former_names, model_zoo
from cfmrestore.cli.main import COMMANDS, build_parser
from cfmrestore.registry import REGISTRIES
from tests.testing import ROOT

INVENTORY = Path(__file__).with_name("inventory.json")
TOOLS = {
    "train.py": "train", "test.py": "test", "evaluate.py": "evaluate",
    "feature_statistics.py": "feature-statistics", "nearest.py": "nearest", "sheet.py": "sheet", "sweep.py": "sweep",
    "compare.py": "compare", "degrade.py": "degrade", "degradation_law.py": "degradation-law",
    "benchmark.py train": "benchmark train", "benchmark.py ranks": "benchmark ranks",
    "benchmark.py degrade": "benchmark degrade", "benchmark.py metrics": "benchmark metrics",
    "benchmark.py restore": "benchmark restore", "benchmark.py floor": "benchmark floor",
    "benchmark.py sampling": "benchmark sampling", "benchmark.py profile": "benchmark profile",
    "benchmark.py all": "benchmark all", "benchmark.py page": "benchmark page",
    "benchmark.py scaling": "benchmark scaling", "benchmark.py backends": "benchmark backends",
    "benchmark.py choice": "benchmark choice", "export.py": "export",
    "restore.py": "restore", "sample.py": "sample",
    "inpaint.py": "inpaint", "edit.py": "edit", "fit_boundary.py": "fit-boundary",
    "judge_boundary.py": "judge-boundary", "fit_grid.py": "fit-grid",
    "cache_latents.py": "cache", "pairs.py": "pairs", "few_steps.py": "few-steps",
    "boost.py": "boost", "publish_model.py": "publish", "showcase.py": "showcase", "zero_shot.py": "zero-shot",
    "lifting.py": "lifting",
    "study.py": "study", "cfmrestore.demo": "demo", "misc/print_config.py": "print-config",
    "misc/convert_checkpoint.py": "convert", "check_plugin.py": "check-plugin",
    "models": "models", "configs": "configs", "doctor": "doctor", "completion": "completion",
}  # fmt: skip
"""Scripts of ``tools/``, and the commands that they are."""


def flags(command: str) -> list[str]:
    """The flags of a command, hidden ones too: former names are promises as much."""
    name, *words = command.split()
    parser = build_parser(name)
    for word in words:
        parser = next(a.choices[word] for a in parser._actions if isinstance(a, argparse._SubParsersAction))
    return sorted({flag for action in parser._actions for flag in action.option_strings if flag.startswith("--")})


def own(cls: Any) -> bool:
    return cls.__module__.startswith("cfmrestore.")


def inventory() -> dict[str, Any]:
    plugins = {}
    for name, registry in REGISTRIES.items():
        registry.import_from_location()
        plugins[name] = {
            key: sorted(
                {*inspect.signature(cls).parameters, *former_names.KEYS.get(key, {}), *former_names.MOVED.get(key, ())}
            )
            for key, cls in sorted(registry.module_dict.items())
            if inspect.isclass(cls) and own(cls)
        }
        plugins[name] |= {old: plugins[name][new] for old, new in former_names.PLUGINS.items() if new in plugins[name]}
    return {
        "names": sorted(cfmrestore.__all__),
        "commands": sorted(COMMANDS),
        "flags": {tool: flags(command) for tool, command in TOOLS.items()},
        "plugins": plugins,
        "models": sorted({*model_zoo.cards(), *former_names.MODELS}),
    }


def test_nothing_that_was_promised_changed(request: pytest.FixtureRequest) -> None:
    found = inventory()
    if request.config.getoption("--update-inventory"):
        INVENTORY.write_text(json.dumps(found, indent=1) + "\n")
    assert found == json.loads(INVENTORY.read_text()), "run pytest tests/test_inventory.py --update-inventory"


def test_every_public_name_exists() -> None:
    assert all(hasattr(cfmrestore, name) for name in cfmrestore.__all__)
    assert {command.split()[0] for command in TOOLS.values()} == set(COMMANDS)


def test_every_plugin_stands_in_its_page() -> None:
    tables = (ROOT / "docs" / "plugins.md").read_text().split("\n## Plugins of your own\n")[0]
    words = set(re.findall(r"`(\w+)`", tables))
    shells = {"runner", "loop", "hook", "optimizer wrapper", "model", "data sampler"}
    for kind, names in json.loads(INVENTORY.read_text())["plugins"].items():
        if kind not in shells:
            present = set(names) - set(former_names.PLUGINS)
            assert present <= words, (kind, present - words)
