"""Plugins from outside: by custom_imports, and by an installed package's entry point."""

import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.testing import TINY, environment, run_tool, small_options

PLUGIN = '''
"""A darker picture."""

from cfmrestore.degradations.base import Degradation, NoParams
from cfmrestore.registry import DEGRADATIONS


@DEGRADATIONS.register_module()
class {name}(Degradation[NoParams]):
    def __init__(self, *, factor: float = 0.5) -> None:
        self.factor = factor

    def sample(self, frame, rng):
        return NoParams()

    def apply(self, image, params):
        print("darkened by", self.factor)
        return self.factor * image
'''
PROJECT = """
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"
[project]
name = "darkness"
version = "1.0"
[project.entry-points."cfmrestore.plugins"]
darkness = "darkness"
[tool.setuptools]
py-modules = ["darkness"]
"""


def recipe() -> str:
    """The operator of CONTRIBUTING's "Add a degradation in four steps"."""
    text = (TINY.parents[1] / "CONTRIBUTING.md").read_text().split("## Add a degradation")[1]
    return textwrap.dedent(re.findall(r"```python\n(.*?)```", text, re.DOTALL)[0])


def chain(name: str) -> str:
    return f"""
_base_ = {str(TINY)!r}
model = dict(data_preprocessor=dict(degradation=[dict(type={name!r}, factor=0.25), dict(type="Downscale", scale=4)]))
"""


def test_an_installed_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package, site = tmp_path / "package", tmp_path / "site"
    package.mkdir()
    (package / "darkness.py").write_text(PLUGIN.format(name="Darkness") + recipe().split('"""', 2)[2])
    (package / "pyproject.toml").write_text(PROJECT)
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*pip, "--target", site, package], check=True, env=environment())
    monkeypatch.setattr(
        "tests.testing.environment", lambda: {**environment(), "PYTHONPATH": f"{site}:{TINY.parents[1]}"}
    )
    config = tmp_path / "config.py"
    config.write_text(chain("Darkness").replace('dict(type="Downscale"', 'dict(type="Gamma"), dict(type="Downscale"'))
    options = small_options(tmp_path, **{"train_cfg.max_iters": 3})
    output = run_tool("train.py", config, "--work-dir", tmp_path / "run", "--no-validate", options=options)
    assert "darkened by 0.25" in output
    broken = {"model.data_preprocessor.degradation.1.gamma": "[2,1]", **options}
    output = run_tool("train.py", config, "--work-dir", tmp_path / "broken", options=broken, expect=1)
    assert (
        "gamma must be two rising numbers from 0.001 to inf; got [2, 1]" in output
    )  # it was the recipe's operator that degraded


def test_custom_imports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from cfmrestore.apis import load_config
    from cfmrestore.registry import DEGRADATIONS

    (tmp_path / "twilight.py").write_text(PLUGIN.format(name="Twilight"))
    monkeypatch.syspath_prepend(tmp_path)
    config = tmp_path / "config.py"
    config.write_text(chain("Twilight") + 'custom_imports = dict(imports=["twilight"])\n')
    cfg = load_config(config)
    assert DEGRADATIONS.build(cfg.model.data_preprocessor.degradation[0]).factor == 0.25
    DEGRADATIONS.module_dict.pop("Twilight")


def test_a_plugin_that_cannot_be_imported_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from importlib.metadata import EntryPoint

    from cfmrestore import registry

    entry = EntryPoint("broken", "no_such_module_at_all", registry.PLUGIN_GROUP)
    monkeypatch.setattr(registry, "entry_points", lambda group: [entry])
    with pytest.raises(ValueError, match=r"plugin 'broken' \(no_such_module_at_all\) cannot be imported"):
        registry.load_plugins.__wrapped__()
