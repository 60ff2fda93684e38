"""What an installed package has that a checkout has: presets, configs by their names, models, the command."""

import subprocess
import sys
import zipfile
from pathlib import Path
from shutil import copytree

import pytest

from tests.testing import ROOT, environment, write_images

SCRIPT = """
import sys
from pathlib import Path

import torch

import cfmrestore
from cfmrestore.apis import load_config
from cfmrestore.cli.main import main
from cfmrestore.registry import MODELS

main(["degrade", "--list"])
main(["degrade", "images", "--preset", "real_esrgan", "--out", "low"])
main(["restore", "images/0.png", "--model", "cfm-x4", "--fidelity", "1", "--out", "high.png"])
main(["print-config", "cfmrestore::cfm_realsr.py", "--out", "realsr.json"])
Path("mine.py").write_text("_base_ = 'cfmrestore::cfm_realsr_tiny.py'")
for name in ("cfmrestore::fm_boost/cfm_unet-305m_8xb4-lr3e-5_sd15-64to128.py", "mine.py"):
    cfg = load_config(name, {"model.encoder.type": "Haar"})
    with torch.device("meta"):
        MODELS.build(cfg.model)
    print(Path(cfg.filename).name, cfg.model.network.base_channels)
outside = [m.__file__ for m in list(sys.modules.values()) if str(getattr(m, "__file__", None)).startswith(sys.argv[1])]
print(cfmrestore.__file__, outside)
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a wheel holds."""
    folder = tmp_path_factory.mktemp("wheel")
    for name in ("cfmrestore", "configs"):
        copytree(ROOT / name, folder / "source" / name)
    for name in ("setup.py", "setup.cfg", "pyproject.toml", "model-index.yml", "README.md", "LICENSE"):
        (folder / "source" / name).write_bytes((ROOT / name).read_bytes())
    stale = folder / "source" / "build" / "lib" / "cfmrestore" / ".mim" / "configs" / "renamed.py"
    stale.parent.mkdir(parents=True)
    stale.write_text("")
    pip = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*pip, "--wheel-dir", folder, "."], check=True, cwd=folder / "source", env=environment())
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
        wheel.extractall(folder / "installed")
    return folder / "installed"


@pytest.mark.slow
def test_a_wheel_has_all_configs_and_the_command(installed: Path) -> None:
    found = {
        path.relative_to(installed / "cfmrestore" / ".mim") for path in installed.rglob("*.py") if ".mim" in path.parts
    }
    assert found == {path.relative_to(ROOT) for path in (ROOT / "configs").rglob("*.py")}
    entries = next(installed.glob("*.dist-info")) / "entry_points.txt"
    assert entries.read_text() == "[console_scripts]\ncfmrestore = cfmrestore.cli.main:main\n"


@pytest.mark.slow
def test_presets_configs_and_models_work_without_a_checkout(installed: Path, tmp_path: Path) -> None:
    write_images(tmp_path / "images", count=2)
    (tmp_path / "script.py").write_text(SCRIPT)
    command = [sys.executable, "script.py", f"{ROOT}/cfmrestore/"]
    variables = {**environment(), "PYTHONPATH": str(installed)}
    done = subprocess.run(command, cwd=tmp_path, env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    lines = done.stdout.splitlines()
    assert [line.split()[0] for line in lines[: len(presets())]] == presets()
    assert lines[-3:-1] == ["cfm_unet-305m_8xb4-lr3e-5_sd15-64to128.py 128", "mine.py 128"]
    assert lines[-1] == f"{installed / 'cfmrestore' / '__init__.py'} []"
    assert {path.name for path in (tmp_path / "low").glob("*.png")} == {"0.png", "1.png"}
    assert (tmp_path / "high.png").is_file()
    assert '"degradation"' in (tmp_path / "realsr.json").read_text()


def presets() -> list[str]:
    return sorted(path.stem for path in (ROOT / "configs" / "degradations").glob("*.py"))
