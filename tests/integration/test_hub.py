"""A model goes to a hub and comes back, by commands in processes that know it from their environment."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from cfmrestore.imageio import read_image
from cfmrestore.restore import Restorer
from tests.hub_server import READ, WRITE, serve
from tests.restore.trainings import save_training
from tests.testing import environment, write_images


def command(*words: object, cwd: Path, expect: int = 0, **variables: str) -> str:
    """Run ``cfmrestore``; what it says is returned."""
    kept = {key: value for key, value in environment().items() if not key.startswith(("HF_", "HUGGING"))}
    line = [sys.executable, "-m", "cfmrestore.cli", *map(str, words)]
    done = subprocess.run(line, cwd=cwd, env={**kept, **variables}, capture_output=True, text=True, check=False)
    assert done.returncode == expect, done.stderr[-4000:]
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr


@pytest.mark.slow
def test_there_and_back(tmp_path: Path) -> None:
    run, photos = save_training(tmp_path / "run"), write_images(tmp_path / "photos", count=1, side=12)
    expected = Restorer.from_pretrained(run, device="cpu")(read_image(photos / "0.png"))
    home = {"HF_HOME": str(tmp_path / "home"), "HF_HUB_DISABLE_XET": "1"}
    with serve(tmp_path / "unused") as hub:
        there = {**home, "HF_ENDPOINT": hub.address}
        publish = [
            "publish",
            run,
            "small",
            "--push",
            "me/small",
            "--revision",
            "v1",
            "--private",
            "--card",
            "license=mit",
        ]
        assert f"pushed: {hub.address}/me/small/commit/" in command(*publish, cwd=tmp_path, HF_TOKEN=WRITE, **there)
        restore = ["restore", photos / "0.png", "--model", "me/small@v1", "--device", "cpu", "--out"]
        command(*restore, tmp_path / "online.png", cwd=tmp_path, HF_TOKEN=READ, **there)
        refused = command(*restore, tmp_path / "x.png", cwd=tmp_path, expect=1, **{**there, "HF_HOME": str(tmp_path)})
        assert refused.splitlines()[-1].startswith(
            "error: me/small@v1: there is no such path here, and http://127.0.0.1"
        )
        hub.asked.clear()
        command(*restore, tmp_path / "offline.png", cwd=tmp_path, HF_HUB_OFFLINE="1", **there)
        assert not hub.asked
    for name in ("online", "offline"):
        assert np.array_equal(read_image(tmp_path / f"{name}.png"), expected)
    assert not (tmp_path / "x.png").exists()
