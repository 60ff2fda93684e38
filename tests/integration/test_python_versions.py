"""Every requirement comes as a wheel for the Python versions that are promised: nothing is compiled at the user's."""

import configparser
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PURE = ("pyvips",)
"""Source releases of Python files alone, which any installation unpacks."""
COMPILED = ("basicsr",)
"""Extras that have no wheels, and are needed for nothing else."""


APART = ("mlflow",)
"""Extras that cannot be had in the versions of the pins: mlflow wants an older pandas."""


def requirements(*, apart: bool) -> list[str]:
    """Of the package and of all its extras but those of who works on it; or of those that stand apart."""
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    held = setup["options.extras_require"]
    extras = [held[name] for name in held if name not in (*COMPILED, "dev") and (name in APART) == apart]
    base = [] if apart else [setup["options"]["install_requires"]]
    lines = "\n".join([*base, *extras]).split("\n")
    return sorted({line for line in lines if line.strip() and re.split(r"[ <>=]", line.strip())[0] not in PURE})


def promised() -> list[str]:
    return sorted(re.findall(r"Programming Language :: Python :: (3\.\d+)", (ROOT / "setup.cfg").read_text()))


@pytest.mark.slow
@pytest.mark.parametrize("version", [version for version in promised() if version != "3.11"])
@pytest.mark.parametrize("apart", [False, True])
def test_all_requirements_have_wheels(version: str, apart: bool, tmp_path: Path) -> None:
    wanted = tmp_path / "requirements.txt"
    wanted.write_text("\n".join(requirements(apart=apart)))
    report = tmp_path / "report.json"
    pip = [sys.executable, "-m", "pip", "install", "-q", "--dry-run", "--ignore-installed", "--no-cache-dir"]
    pins = [] if apart else ["-c", str(ROOT / "constraints.txt")]
    place = ["--target", str(tmp_path / "nowhere"), "--python-version", version, "--only-binary=:all:"]
    done = subprocess.run(
        [*pip, *place, "--report", str(report), *pins, "-r", str(wanted)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode and re.search(r"ConnectionError|ConnectTimeout|ReadTimeout|name resolution", done.stderr):
        pytest.skip(f"pip reaches no index: {done.stderr.strip().splitlines()[-1]}")
    assert done.returncode == 0, done.stderr
    files = [one["download_info"]["url"] for one in json.loads(report.read_text())["install"]]
    assert len(files) > 30
    assert all(re.search(r"\.whl(#|$)", one) for one in files)


def test_the_versions_that_are_told_are_those_of_the_package() -> None:
    assert promised() == ["3.11", "3.12", "3.13"]
    assert "Python 3.11 to 3.13" in (ROOT / "README.md").read_text()
