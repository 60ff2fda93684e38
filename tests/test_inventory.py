"""What users rely on: public names, registry names with their config keys, command-line flags.

A change that removes one of them must say so, in inventory.json and in the CHANGELOG.
"""

import inspect
import json
import re
from pathlib import Path
from typing import Any

import pytest

import cfmrestore
from cfmrestore.registry import REGISTRIES
from cfmrestore.restore import model_zoo
from tests.testing import ROOT, in_this_process

INVENTORY = Path(__file__).with_name("inventory.json")
TOOLS = (
    "train.py", "test.py", "evaluate.py", "sweep.py", "compare.py", "degrade.py", "benchmark.py train",
    "benchmark.py degrade", "benchmark.py metrics", "benchmark.py restore", "restore.py", "boost.py",
    "publish_model.py", "showcase.py", "study.py", "cfmrestore.demo",
)  # fmt: skip


def flags(tool: str) -> list[str]:
    name, *words = tool.split()
    script = name if name.startswith("cfmrestore.") else str(ROOT / "tools" / name)
    text = in_this_process(script, *words, "--help")[1]
    return sorted(set(re.findall(r"(?<![\w-])--[\w-]+", text)))


def own(cls: Any) -> bool:
    return cls.__module__.startswith("cfmrestore.")


def inventory() -> dict[str, Any]:
    plugins = {}
    for name, registry in REGISTRIES.items():
        registry.import_from_location()
        plugins[name] = {
            key: sorted(inspect.signature(cls).parameters)
            for key, cls in sorted(registry.module_dict.items())
            if inspect.isclass(cls) and own(cls)
        }
    return {
        "names": sorted(cfmrestore.__all__),
        "flags": {tool: flags(tool) for tool in TOOLS},
        "plugins": plugins,
        "models": sorted(model_zoo.cards()),
    }


def test_nothing_that_was_promised_changed(request: pytest.FixtureRequest) -> None:
    found = inventory()
    if request.config.getoption("--update-inventory"):
        INVENTORY.write_text(json.dumps(found, indent=1) + "\n")
    assert found == json.loads(INVENTORY.read_text()), "run pytest tests/test_inventory.py --update-inventory"


def test_every_public_name_exists() -> None:
    assert all(hasattr(cfmrestore, name) for name in cfmrestore.__all__)


def test_every_plugin_stands_in_the_readme() -> None:
    words = set(re.findall(r"`(\w+)`", (ROOT / "README.md").read_text()))
    shells = {"runner", "loop", "hook", "optimizer wrapper", "model", "data sampler"}
    for kind, names in json.loads(INVENTORY.read_text())["plugins"].items():
        if kind not in shells:
            assert set(names) <= words, (kind, set(names) - words)
