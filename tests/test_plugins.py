"""Plugins from outside: by custom_imports, by --plugin, and by an installed package's entry point."""

import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cfmrestore.engine import checkpoints
from cfmrestore.plugins import VARIABLE, import_plugins
from tests.restore.flows import NETWORK, save_model
from tests.testing import TINY, call_tool, environment, run_tool, small_options, write_images

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


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch):
    """What a test registers and imports is forgotten after it."""
    from cfmrestore.registry import DEGRADATIONS

    monkeypatch.setenv(VARIABLE, "")
    modules, known = set(sys.modules), set(DEGRADATIONS.module_dict)
    yield
    for name in set(sys.modules) - modules:
        if not name.startswith(("cfmrestore", "torch", "sklearn", "scipy")):
            sys.modules.pop(name)
    for name in set(DEGRADATIONS.module_dict) - known:
        DEGRADATIONS.module_dict.pop(name)


def test_a_file_of_an_installed_package_is_imported_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, registered: None
) -> None:
    from importlib.metadata import EntryPoint

    from cfmrestore import registry

    package = tmp_path / "night"
    package.mkdir()
    (package / "__init__.py").touch()
    for file in (package / "dusk.py", tmp_path / "other.py"):
        file.write_text(PLUGIN.format(name="Dusk"))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(registry, "entry_points", lambda group: [EntryPoint("night", "night.dusk", group)])
    import_plugins([str(package / "dusk.py")])
    registry.load_plugins.__wrapped__()
    assert registry.DEGRADATIONS.get("Dusk").__module__ == "dusk"
    registry.DEGRADATIONS.module_dict.pop("Dusk")
    monkeypatch.setenv(VARIABLE, "")
    import_plugins([str(tmp_path / "other.py")])
    with pytest.raises(ValueError, match=r"'night' \(night.dusk\) .*: leave --plugin out, or uninstall the package"):
        registry.load_plugins.__wrapped__()


def test_every_command_takes_plugins() -> None:
    from cfmrestore.cli.main import COMMANDS, build_parser

    for command in COMMANDS:
        assert "--plugin MODULE" in build_parser(command).format_help() or command == "benchmark"
    inner = build_parser("benchmark").parse_args(["degrade", "--plugin", "a", "--plugin", "b.py"])
    assert inner.plugin_modules == ["a", "b.py"]


def test_a_file_and_a_module_are_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, registered: None) -> None:
    """In processes that are started from here too; a file is found from where the command was started."""
    from cfmrestore.plugins import import_named_plugins, import_plugins
    from cfmrestore.registry import DEGRADATIONS

    (tmp_path / "dusk.py").write_text(PLUGIN.format(name="Dusk"))
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "__init__.py").write_text("")
    (tmp_path / "package" / "dawn.py").write_text(PLUGIN.format(name="Dawn"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    import_plugins(["dusk.py", "package.dawn"])
    assert DEGRADATIONS.build({"type": "Dusk"}).factor == DEGRADATIONS.build({"type": "Dawn"}).factor == 0.5
    assert os.environ[VARIABLE].split(os.pathsep) == [str(tmp_path / "dusk.py"), "package.dawn"]
    import_plugins(["dusk.py"])  # once is enough
    for name in ("Dusk", "Dawn"):
        DEGRADATIONS.module_dict.pop(name)
    for name in ("dusk", "package.dawn"):
        sys.modules.pop(name)
    monkeypatch.chdir("/")
    import_named_plugins()
    assert {"Dusk", "Dawn"} <= DEGRADATIONS.module_dict.keys()


def test_what_cannot_be_imported_is_one_message(tmp_path: Path, registered: None) -> None:
    from cfmrestore.plugins import import_plugin

    broken = tmp_path / "broken_plugin.py"
    for text, message in (
        (
            "import no_such_package",
            "fails when it is imported: ModuleNotFoundError: No module named 'no_such_package'",
        ),
        ("x = 1\ny = x +", "fails when it is imported: SyntaxError: "),
        ("raise KeyError('b')", r"KeyError: 'b' \(.*broken_plugin.py, line 1\)"),
        (PLUGIN.format(name="JPEG"), "'JPEG is already registered in degradation.*: take another name"),
    ):
        broken.write_text(text)
        with pytest.raises(ValueError, match=f"--plugin {broken}") as caught:
            import_plugin(str(broken))
        assert re.search(message, str(caught.value)), caught.value
        assert "\n" not in str(caught.value)
    for name, message in (
        ("no_such_module", "there is no module 'no_such_module': name an installed one, or a file that ends with .py"),
        ("json.no_such_part", "there is no module 'json.no_such_part'"),
        ("my/plugins", "there is no module 'my/plugins': name an installed one"),
        (str(tmp_path / "none.py"), "there is no file '.*none.py'"),
    ):
        with pytest.raises(ValueError, match=f"--plugin {name}: {message}"):
            import_plugin(name)
    (tmp_path / "json.py").write_text("")
    with pytest.raises(ValueError, match="another module is called 'json': rename the file"):
        import_plugin(str(tmp_path / "json.py"))


def test_a_command_runs_with_a_plugin_and_in_its_workers(tmp_path: Path, registered: None) -> None:
    """What is not registered is said with the flag that mends it."""
    images = write_images(tmp_path / "images", count=3)
    (tmp_path / "night.py").write_text(PLUGIN.format(name="Night"))
    preset = tmp_path / "dark.py"
    preset.write_text('scale = 1\ndegradation = [dict(type="Night", factor=0.25)]\n')
    words = (images, "--preset", preset, "--out", tmp_path / "low")
    missing = call_tool("degrade.py", *words)
    assert "unknown degradation 'Night'; " in missing
    assert missing.endswith("(one of your own: name its module, --plugin MODULE)")
    run_tool("degrade.py", *words, "--plugin", "night.py", "--workers", 2, cwd=tmp_path)
    dark, bright = (np.asarray(Image.open(tmp_path / name / "1.png")).mean() for name in ("low", "images"))
    assert abs(dark / bright - 0.25) < 0.01


def test_a_model_whose_plugin_is_missing_says_the_flag(tmp_path: Path) -> None:
    from cfmrestore.restore.stages import load_stages

    for place in ({"type": "Vanished"}, {**NETWORK, "type": "UNt"}):
        checkpoint = save_model(tmp_path / "flow.pth")
        state = checkpoints.load(checkpoint)
        state["meta"]["model"]["network"] = place
        checkpoints.save(state, checkpoint)
        with pytest.raises(ValueError, match=r"unknown network .*name its module, --plugin MODULE"):
            load_stages(checkpoint)
