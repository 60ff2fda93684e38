"""Backends: the same picture to half a level, through the same Restorer; a package that is missing is named."""

import sys

import numpy as np
import pytest
import torch

from cfmrestore.execution.backends import BACKENDS
from cfmrestore.restore import Restorer
from tests.restore.flows import random_flow

PACKAGES = {"onnxruntime": "onnx", "openvino": "openvino"}


@pytest.mark.slow
@pytest.mark.usefixtures("open_sizes")
@pytest.mark.parametrize("backend", sorted(BACKENDS.keys() - {"torch"}))
def test_pictures_differ_by_less_than_half_a_level(backend: str) -> None:
    pytest.importorskip("torch" if backend == "compiled" else backend)
    flow = random_flow()
    plain, other = Restorer(flow, device="cpu"), Restorer(flow, device="cpu", backend=backend)
    photo = np.random.default_rng(0).random((21, 18, 4), dtype=np.float32)
    for settings in ({"tile": 32, "color": "mean"}, {"fidelity": 0.5, "seed": 3}, {"scale": 3, "fidelity": 1}):
        restored = [restorer(photo, **settings) for restorer in (plain, other)]
        assert restored[0].shape == restored[1].shape
        assert 0 < 255 * np.abs(restored[0] - restored[1]).max() + 1e-9 < 0.5


@pytest.mark.parametrize(("backend", "extra"), PACKAGES.items())
def test_a_missing_package_is_named_with_its_extra(backend: str, extra: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, backend, None)
    with pytest.raises(ValueError, match=rf"needs the package {backend}: pip install 'cfmrestore\[{extra}\]'"):
        Restorer(random_flow(), device="cpu", backend=backend)


def test_what_a_backend_does_not_do_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="unknown backend 'tensorrt'; known are torch, compiled"):
        Restorer(random_flow(), backend="tensorrt")
    pytest.importorskip("onnxruntime")
    with pytest.raises(ValueError, match="runs on the CPU in float32; got cpu and bfloat16"):
        Restorer(random_flow(), device="cpu", precision="bf16", backend="onnxruntime")
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(ValueError, match="needs a compiler of C"):
        Restorer(random_flow(), device="cpu", backend="compiled")


def test_torch_is_torch() -> None:
    flow = random_flow()
    backend = BACKENDS["torch"](torch.device("cpu"), torch.float32)
    assert backend(flow.network) is flow.network
