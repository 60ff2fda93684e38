"""Mends for packages: built for another torch or torchvision than the one at hand, or doing what nobody needs."""

import sys
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any

import torch

# Held for ever: the schemas vanish with the object that defined them.
_LIBRARIES: list[torch.library.Library] = []


def patch_torchvision() -> None:
    """Let ``import torchvision`` succeed, and what imports it; call it before diffusers, lpips or basicsr.

    A CUDA build of torchvision cannot load its operators beside a CPU build of torch, and its import then dies with
    ``operator torchvision::nms does not exist``. Only in that case their schemas are declared here: the transforms
    and models work, and the operators themselves still fail when called. basicsr 1.4.2 imports
    ``torchvision.transforms.functional_tensor``, gone since torchvision 0.17: it becomes another name of
    ``functional``. Where nothing is broken, or when called again, nothing happens.
    """
    if find_spec("torchvision") is None:
        return
    try:
        import_module("torchvision")
    except RuntimeError as error:
        if "torchvision::nms does not exist" not in str(error):
            raise
        _define_schemas()
        import_module("torchvision")
    if find_spec("torchvision.transforms.functional_tensor") is None:
        functional = import_module("torchvision.transforms.functional")
        sys.modules["torchvision.transforms.functional_tensor"] = functional


def _define_schemas() -> None:
    """Declare the two operators that torchvision describes at import, and forget its half-done import."""
    library = torch.library.Library("torchvision", "DEF")
    for name in ("nms", "qnms"):
        library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    _LIBRARIES.append(library)
    for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
        del sys.modules[name]


def defer_transformers() -> None:
    """Import mmengine's optimizers without transformers, which takes half a second; call it before mmengine's models.

    mmengine registers ``transformers.Adafactor`` wherever it can be imported. Here it registers a function of the same
    name and keys instead, which imports transformers when a config's optimizer is of that type. Where transformers or
    mmengine's optimizers are loaded already, or when called again, nothing happens.
    """
    if find_spec("transformers") is None or "transformers" in sys.modules or "mmengine.optim" in sys.modules:
        return
    stand_in: Any = ModuleType("transformers")
    stand_in.Adafactor = _adafactor
    sys.modules["transformers"] = stand_in
    try:
        import_module("mmengine.optim")
    finally:
        del sys.modules["transformers"]


def _adafactor(params: Any, **keys: Any) -> torch.optim.Optimizer:
    """Adafactor of transformers."""
    optimizer: torch.optim.Optimizer = import_module("transformers").Adafactor(params, **keys)
    return optimizer


def train_without_mps() -> None:
    """Let mmengine train on the CPU of a Mac: degradations are in float64, which its GPU does not have."""
    module: Any = import_module("mmengine.device.utils")
    if module.DEVICE == "mps":
        module.DEVICE = "cpu"


@cache
def format_configs_once() -> None:
    """Let mmengine format the text of a config once: it does so ten times a run, and again at every checkpoint.

    With long paths in a config each time takes a second, since yapf tries every way to break a line that fits in none.
    When called again, nothing happens.
    """
    module: Any = import_module("mmengine.config.config")
    plain, last = module.FormatCode, dict[str, Any]()

    def format_code(text: str, **keys: Any) -> Any:  # whose keywords are always the same
        if text not in last:
            last.clear()
            last[text] = plain(text, **keys)
        return last[text]

    module.FormatCode = format_code
