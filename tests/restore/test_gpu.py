"""Restoring on a GPU, held against float32 on the CPU."""

import logging

import pytest
import torch

from cfmrestore.restore import Restorer
from tests.restore.flows import random_flow

pytestmark = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")]


def low(side: int = 48) -> torch.Tensor:
    rows = torch.linspace(0, 9, side)
    return 0.5 + 0.4 * torch.stack([(rows[:, None] * k + rows).sin() for k in (1.0, 1.7, 0.6)])


@pytest.mark.parametrize("tile", [0, 64, "auto"])
@pytest.mark.parametrize("keys", [{}, {"fidelity": 0.5}, {"consistency": True}, {"scale": 6, "color": "wavelet"}])
def test_devices_agree(tile: int | str, keys: dict[str, object]) -> None:
    expected = Restorer(random_flow(), device="cpu", precision="fp32")(low(), tile=0, **keys)
    found = Restorer(random_flow(), device="cuda", precision="fp32")(low(), tile=tile, **keys)
    assert found.device.type == "cpu"  # as the image that was given
    assert (found - expected).abs().max() < 2 / 255


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_recorded_evaluations_are_the_launched_ones(precision: str) -> None:
    """Several images of two sizes: the second of each is replayed."""
    plain = Restorer(random_flow(), device="cuda", precision=precision)
    graphs = Restorer(random_flow(), device="cuda", precision=precision, cuda_graphs=True)
    for side in (48, 32, 48, 32):
        for seed in range(2):
            expected, found = (restorer(low(side), tile=0, seed=seed) for restorer in (plain, graphs))
            assert torch.allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("precision", ["bf16", "fp16", "auto"])
def test_mixed_precision_is_close(precision: str) -> None:
    expected = Restorer(random_flow(), device="cpu", precision="fp32")(low())
    found = Restorer(random_flow(), device="cuda", precision=precision)(low())
    assert (found - expected).abs().mean() < 1 / 255


def test_a_tensor_on_the_device_comes_back_there() -> None:
    assert Restorer(random_flow(), device="cuda")(low().cuda()).is_cuda


def test_memory_of_the_device_that_runs_out_makes_smaller_tiles(caplog: pytest.LogCaptureFixture) -> None:
    restorer = Restorer(random_flow(), device="cuda", precision="fp32")
    whole = restorer(low(256), tile=0)
    torch.cuda.empty_cache()
    total = torch.cuda.get_device_properties(0).total_memory
    torch.cuda.set_per_process_memory_fraction(min(1.0, 48 * 2**20 / total))
    try:
        with caplog.at_level(logging.WARNING, "cfmrestore"):
            found = restorer(low(256), tile=0)
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    assert "out of memory with tiles of 1024 pixels" in caplog.text
    assert (found - whole).abs().mean() < 1 / 255
