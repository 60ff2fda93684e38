"""Check the wheel as a user meets it: installed alone, in a new environment, used in an empty folder.

Builds the wheel, installs it with its requirements in the versions of constraints.txt, then restores, degrades, trains
and opens the web page with the command alone. Part of ``make test``; for other versions of Python
``tools/check_wheel.py --python python3.13``.
"""

import argparse
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image

ROOT = Path(__file__).parents[1]
SOURCES = (
    "cfmrestore",
    "configs",
    "setup.py",
    "setup.cfg",
    "pyproject.toml",
    "model-index.yml",
    "README.md",
    "LICENSE",
)
CLEAN = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "VIRTUAL_ENV"))}


def build(folder: Path) -> Path:
    """The wheel of this checkout, whose own folders are left as they are."""
    (folder / "source").mkdir()
    for name in SOURCES:
        copy: Callable[[Path, Path], object] = shutil.copytree if (ROOT / name).is_dir() else shutil.copy2
        copy(ROOT / name, folder / "source" / name)
    pip = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*pip, "--wheel-dir", folder, "."], check=True, cwd=folder / "source", env=CLEAN)
    return next(folder.glob("*.whl"))


def install(wheel: Path, folder: Path, python: str) -> Path:
    """The folder of the commands of a new environment of that Python with nothing else in it."""
    subprocess.run([python, "-m", "venv", folder], check=True, env=CLEAN)
    pip = [folder / "bin" / "python", "-m", "pip", "install", "-q", "--no-compile", "-c", ROOT / "constraints.txt"]
    subprocess.run([*pip, f"{wheel}[demo]"], check=True, env=CLEAN)
    return folder / "bin"


def use(command: Path, here: Path) -> None:
    """What a photographer and a researcher try first."""

    def run(*words: str) -> str:
        done = subprocess.run([command, *words], cwd=here, env=CLEAN, capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(f"cfmrestore {' '.join(words)} failed:\n{done.stdout[-2000:]}{done.stderr[-4000:]}")
        return done.stdout

    with Image.open(ROOT / "data" / "photographs" / "held_out" / "brook.png") as photograph:
        photograph.convert("RGB").resize((160, 120)).save(here / "photo.jpg", quality=60)
    shutil.copytree(ROOT / "data" / "photographs" / "held_out", here / "photographs")
    assert run("--version").startswith("cfmrestore ")
    assert json.loads(run("doctor", "--json"))["problems"] == []
    (file,) = json.loads(run("restore", "photo.jpg", "--json"))["files"]
    with Image.open(here / file) as restored:
        assert restored.size == (640, 480)
    run("degrade", "photo.jpg", "--preset", "real_esrgan", "--out", "low")
    assert (here / "low" / "photo.png").is_file()
    data = ["data_root=photographs", "val_root=photographs", "train_cfg.max_iters=20"]
    run("train", "cfmrestore::cfm_realsr_tiny.py", "--work-dir", "run", "--cfg-options", *data)
    assert (here / "run" / "iter_20.safetensors").is_file()
    open_page(command, here)


def open_page(command: Path, here: Path, seconds: float = 60) -> None:
    """The web page answers on this machine, and ends when it is told to."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with subprocess.Popen([command, "demo", "--port", str(port)], cwd=here, env=CLEAN) as page:
        try:
            end = time.monotonic() + seconds
            while True:
                try:
                    with urllib.request.urlopen(f"http://127.0.0.1:{port}/") as answer:
                        assert answer.status == 200
                    break
                except OSError:
                    assert page.poll() is None, "the page ended by itself"
                    assert time.monotonic() < end, f"no answer in {seconds:g} s"
                    time.sleep(0.2)
        finally:
            page.terminate()
        assert page.wait(seconds) == 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--python", default=sys.executable, metavar="COMMAND", help="of the environment (default: this)"
    )
    python = parser.parse_args().python
    began = time.monotonic()

    def told(what: str) -> None:
        print(f"{time.monotonic() - began:5.0f} s  {what}", flush=True)

    with TemporaryDirectory(prefix="cfmrestore-wheel-") as name:
        folder = Path(name)
        wheel = build(folder)
        told(f"{wheel.name} is built")
        commands = install(wheel, folder / "environment", python)
        told("it is installed, with its requirements")
        (folder / "empty").mkdir()
        use(commands / "cfmrestore", folder / "empty")
        told("restored, degraded, trained, and the page opened")


if __name__ == "__main__":
    main()
