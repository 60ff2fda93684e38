"""Importing the package is light: heavy packages wait for the plugin that needs them."""

import subprocess
import sys

from tests.testing import environment

HEAVY = ("av", "diffusers", "basicsr", "albumentations", "lpips", "accelerate", "cv2", "scipy", "torchvision", "PIL")


def test_no_heavy_package_is_imported() -> None:
    code = (
        "import torch, mmengine, sys; before = set(sys.modules); import cfmrestore; "
        f"print([name for name in {HEAVY} if name in sys.modules and name not in before])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment())
    assert run.stdout.strip() == "[]"


def test_plain_parts_need_no_mmengine_runner() -> None:
    code = "import sys; from cfmrestore.solvers import Heun; from cfmrestore.networks import UNet; " + (
        "assert 'mmengine.runner' not in sys.modules and 'cfmrestore.engine' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env=environment())
