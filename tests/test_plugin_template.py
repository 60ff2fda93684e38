"""The template of a plugin package: built, installed, checked, and named in a config."""

import json
import subprocess
import sys
from pathlib import Path
from shutil import copytree, ignore_patterns

import pytest

from tests.testing import ROOT, environment, run_tool, small_options

TEMPLATE = ROOT / "integrations" / "plugin_template"
CONFIG = """
_base_ = "cfmrestore::cfm_realsr_tiny.py"
model = dict(
    data_preprocessor=dict(degradation=[dict(type="FadedContrast"), dict(type="Downscale", scale=4)]),
    sampling=dict(solver=dict(type="Kutta3"), num_intervals=1),
)
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which its wheel was installed."""
    folder = tmp_path_factory.mktemp("template")
    copytree(TEMPLATE, folder / "source", ignore=ignore_patterns("build", "*.egg-info", "__pycache__"))
    pip = [sys.executable, "-m", "pip"]
    flags = ["-q", "--no-deps", "--no-index"]
    wheel = [*pip, "wheel", *flags, "--no-build-isolation", "--wheel-dir", folder, folder / "source"]
    subprocess.run(wheel, check=True, env=environment())
    install = [*pip, "install", *flags, "--target", folder / "site", next(folder.glob("*.whl"))]
    subprocess.run(install, check=True, env=environment())
    return folder / "site"


@pytest.fixture
def installed(site: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The processes of this test find it."""
    variables = {**environment(), "PYTHONPATH": f"{site}:{ROOT}"}
    monkeypatch.setattr("tests.testing.environment", lambda: variables)
    return site


@pytest.mark.slow
@pytest.mark.parametrize("name", ["FadedContrast", "Kutta3"])
def test_its_plugins_keep_their_contracts(installed: Path, name: str) -> None:
    said = run_tool("check_plugin.py", name)
    assert "promises are kept" in said
    assert "broken" not in said
    assert str(installed) in said


@pytest.mark.slow
def test_its_own_tests_pass(installed: Path, tmp_path: Path) -> None:
    copytree(TEMPLATE / "tests", tmp_path / "tests")
    (tmp_path / "pyproject.toml").write_bytes((TEMPLATE / "pyproject.toml").read_bytes())
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    variables = {**environment(), "PYTHONPATH": f"{installed}:{ROOT}"}
    done = subprocess.run(command, cwd=tmp_path, env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-4000:]
    assert "3 passed" in done.stdout


@pytest.mark.slow
def test_a_config_names_them(installed: Path, tmp_path: Path) -> None:
    config = tmp_path / "faded.py"
    config.write_text(CONFIG)
    options = small_options(tmp_path, **{"train_cfg.max_iters": 2})
    run_tool("train.py", config, "--work-dir", tmp_path / "run", "--no-validate", options=options)
    files = ("--work-dir", tmp_path / "test", "--out", tmp_path / "result.json")
    run_tool("test.py", config, tmp_path / "run", *files, options=options)
    result = json.loads((tmp_path / "result.json").read_text())["benchmarks"]["images"]
    assert result["rows"]["restored"]["NFE"] == 3  # of Kutta3
    image = next((tmp_path / "images").glob("*.png"))
    run_tool("restore.py", image, "--model", tmp_path / "run", "--out", tmp_path / "high.png")
    assert (tmp_path / "high.png").is_file()
