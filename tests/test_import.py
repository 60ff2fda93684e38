"""What is imported: heavy packages wait for the plugin, or the config, that needs them."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.restore.flows import save_model
from tests.testing import ROOT, environment, write_images

HEAVY = ("av", "diffusers", "basicsr", "albumentations", "lpips", "accelerate", "cv2", "scipy", "torchvision", "PIL")
# the last are torch's compiler and its tensors of many processes, which mmengine's optimizers load
NEEDLESS = (*{*HEAVY} - {"cv2", "PIL"}, "transformers", "gradio", "matplotlib", "cfmrestore.engine.runner",
            "cfmrestore.evaluation.metrics", "torch._dynamo", "torch._inductor", "torch.distributed.tensor",
            "mmengine.optim")  # fmt: skip


def output_of(code: str, *args: object) -> str:
    command = [sys.executable, "-c", code, *map(str, args)]
    run = subprocess.run(command, capture_output=True, text=True, check=False, env=environment())
    assert run.returncode == 0, run.stderr
    return run.stdout


def test_no_heavy_package_is_imported() -> None:
    code = (
        "import torch, mmengine, sys; before = set(sys.modules); import cfmrestore; "
        f"print([name for name in {HEAVY} if name in sys.modules and name not in before])"
    )
    assert output_of(code).strip() == "[]"


def test_plain_parts_need_no_mmengine_runner() -> None:
    code = "import sys; from cfmrestore.solvers import Heun; from cfmrestore.networks import UNet; " + (
        "assert 'mmengine.runner' not in sys.modules and 'cfmrestore.engine' not in sys.modules"
    )
    output_of(code)


def test_a_restoration_imports_nothing_that_it_does_not_need(tmp_path: Path) -> None:
    """From the command to the file, with tiles that are planned by what a flow costs."""
    image = write_images(tmp_path / "images", count=1) / "0.png"
    model = save_model(tmp_path / "small.pth", attention=True)
    code = (
        f"import runpy, sys; runpy.run_path({str(ROOT / 'tools' / 'restore.py')!r}, run_name='__main__'); "
        f"print([name for name in {NEEDLESS} if name in sys.modules])"
    )
    output = output_of(code, image, "--model", model, "--out", tmp_path / "out.png")
    assert (tmp_path / "out.png").is_file()
    assert output.splitlines()[-1] == "[]"


@pytest.mark.slow
def test_an_optimizer_of_transformers_waits_for_a_config_that_names_it() -> None:
    pytest.importorskip("transformers")
    code = """
import sys
import torch
from cfmrestore.engine.hooks import EMAHook
from mmengine.optim import build_optim_wrapper

assert "transformers" not in sys.modules
linear = torch.nn.Linear(8, 8)
optimizer = dict(type="Adafactor", lr=0.1, relative_step=False, scale_parameter=False)
wrapper = build_optim_wrapper(linear, dict(type="OptimWrapper", optimizer=optimizer))
before = linear.weight.detach().clone()
wrapper.update_params(linear(torch.ones(1, 8)).square().mean())
assert not torch.equal(linear.weight, before)
import transformers
assert type(wrapper.optimizer) is transformers.Adafactor
"""
    output_of(code)
