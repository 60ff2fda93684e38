"""Pictures of what was tested: no two in one file, and read again as they were written."""

import logging
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch

from cfmrestore.engine.hooks import PictureHook, SaveImagesHook

NAMES = ["a/b", "a__b", "photo.v1", "photo.v2", "x.png", "x.jpg", "sheet.png", "sheet"]
RUNNER: Any = SimpleNamespace(rank=0, logger=logging.getLogger("test"))


def sample(name: str) -> dict[str, Any]:
    image = torch.full((3, 4, 4), NAMES.index(name) / 16)
    return {"name": name, "restored": image, "target": image}


def test_every_image_has_a_picture(tmp_path: Path) -> None:
    hook = PictureHook(folder=str(tmp_path), num_images=2, side=4)
    for _ in range(2):  # of two evaluations the second writes the same
        hook.before_test_epoch(RUNNER)
        hook.after_test_iter(RUNNER, 0, outputs=[sample(name) for name in NAMES])
        hook.after_test_epoch(RUNNER)
    found = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.png"))
    expected = ["a/b", "a__b", "photo.v1", "photo.v2", "sheet", "sheet.png", "sheet_", "x", "x.jpg"]
    assert found == sorted(f"{name}.png" for name in expected)


def test_images_are_read_by_their_names(tmp_path: Path) -> None:
    hook = SaveImagesHook(folder=str(tmp_path))
    hook.after_test_iter(RUNNER, 0, outputs=[sample(name) for name in NAMES])
    for index, name in enumerate(NAMES):
        assert np.all(hook.read("", name)["restored"] == round(255 * index / 16)), name
