"""Images that are filled part by part, also such as a machine has no memory for."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from cfmrestore.imageio import canvas, read_picture, read_size
from tests.imageio.files import metadata, pixels
from tests.testing import environment


@pytest.mark.parametrize("channels", [1, 4])
@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_strips_become_a_file(tmp_path: Path, suffix: str, bits: int, channels: int) -> None:
    values = pixels(channels, bits, (90, 70))
    path = tmp_path / "new" / f"a{suffix}"
    with canvas(path, (90, 70), channels=channels, bits=bits, metadata=metadata(channels)) as strips:
        for top in (60, 0, 30):
            strips[top : top + 30] = values[top : top + 30]
    again = read_picture(path)
    assert np.array_equal(again.pixels, values)
    assert again.metadata.icc == metadata(channels).icc
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_what_goes_wrong_leaves_no_file(tmp_path: Path) -> None:
    def fill_half() -> None:
        with canvas(tmp_path / "a.png", (9, 8)) as strips:
            strips[:4] = 1
            raise RuntimeError("halfway")

    with pytest.raises(RuntimeError, match="halfway"):
        fill_half()
    with pytest.raises(ValueError, match="JPEG has no alpha"), canvas(tmp_path / "a.jpg", (9, 8), channels=4):
        pass
    with pytest.raises(OSError, match=r"No space left|too large"), canvas(tmp_path / "a.tif", (2**30, 2**30)):
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_20000_pixels_a_side_need_less_than_4_gib(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    code = f"""
import resource
from cfmrestore.imageio import canvas
with canvas({str(path)!r}, (20000, 20000)) as pixels:
    for top in range(0, 20000, 500):
        pixels[top : top + 500] = top // 100
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
    run = subprocess.run([sys.executable, "-c", code], check=True, env=environment(), capture_output=True, text=True)
    assert int(run.stdout) < 4 << 20  # KiB
    assert read_size(path) == (20000, 20000)
