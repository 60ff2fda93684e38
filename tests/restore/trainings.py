"""A finished training on disk, without the training."""

import json
from pathlib import Path

from tests.restore.flows import save_model

CARD = {"what": "tests", "license": "Apache 2.0"}


def save_training(folder: Path, **keys: object) -> Path:
    """A work directory: a checkpoint of ``save_model``, and the log of 30 iterations."""
    save_model(folder / "iter_30.pth", **keys)
    (folder / "last_checkpoint").write_text("iter_30.pth")
    lines = [{"lr": 1e-3, "loss": loss, "step": step} for step, loss in ((10, 0.5), (20, 0.2), (30, 0.1))]
    lines.append({"PSNR": 20.0, "bicubic/PSNR": 19.0, "step": 30})
    (folder / "1" / "vis_data").mkdir(parents=True)
    (folder / "1" / "vis_data" / "scalars.json").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder
