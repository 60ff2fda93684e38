"""Few hops lie between a user's call and the network: our own stack frames, counted."""

import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import cfmrestore
from cfmrestore.restore import Restorer
from tests.restore.flows import random_flow

PACKAGE = Path(cfmrestore.__file__).parent
TOOL = Path(__file__).parents[2] / "tools" / "restore.py"
ALL = {"tile": 16, "fidelity": 0.5, "consistency": True}


def watch(network: nn.Module) -> list[int]:
    """The frames of this project, tools included, above each evaluation of a network."""
    counts: list[int] = []

    def count(*args: object) -> None:
        del args
        frame, ours = sys._getframe(1), 0
        while frame is not None:
            path = Path(frame.f_code.co_filename)
            ours += path.is_relative_to(PACKAGE) or path == TOOL
            frame = frame.f_back
        counts.append(ours)

    network.register_forward_pre_hook(count)
    return counts


@pytest.mark.parametrize(("settings", "most"), [({}, 10), (ALL, 11)])
def test_from_the_restorer(settings: dict, most: int) -> None:
    flow = random_flow()
    restorer = Restorer(flow)
    restorer(np.zeros((12, 12, 3), np.uint8), **settings)  # the first one counts what it costs
    counts = watch(flow.network)
    restorer(np.zeros((12, 12, 3), np.uint8), **settings)
    assert 5 < max(counts) <= most


def test_from_the_tool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Image.new("RGB", (12, 12)).save(tmp_path / "a.png")
    flow = random_flow()
    counts = watch(flow.network)
    monkeypatch.setattr(Restorer, "from_pretrained", lambda *args, **keys: Restorer(flow))
    words = [TOOL, tmp_path / "a.png", "--out", tmp_path / "out", "--tile", 16, "--fidelity", 0.5, "--consistency"]
    monkeypatch.setattr(sys, "argv", [str(word) for word in words])
    threads = torch.get_num_threads()
    try:
        runpy.run_path(str(TOOL), run_name="__main__")
    finally:
        torch.set_num_threads(threads)
    assert 5 < max(counts) <= 17
