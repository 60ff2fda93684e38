"""Workers of a data loader read images, however they were started and whatever their parent did."""

import subprocess
import sys
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest
import pyvips
from PIL import Image
from torch.utils.data import DataLoader

from cfmrestore.imageio import Metadata, Picture, read_image, write_picture
from tests.imageio.files import pixels
from tests.testing import environment


class Images:
    """A data set of files."""

    def __init__(self, paths: list[Path]) -> None:
        self.paths = paths

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> np.ndarray:
        return read_image(self.paths[index])


@pytest.mark.slow
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_workers_read_after_their_parent_has_read_and_written(tmp_path: Path, method: str) -> None:
    paths = [tmp_path / f"a{suffix}" for suffix in (".png", ".jpg", ".tif", ".webp", ".avif")]
    for path in paths:
        write_picture(path, Picture(pixels(3, size=(200, 300)), Metadata(), "png"))
    for name, save in (("interlaced.png", {"interlace": True}), ("tiled.tif", {"tile": True})):
        paths.append(tmp_path / name)
        pyvips.Image.new_from_file(str(paths[0])).write_to_file(str(paths[-1]), **save)
    images = Images(paths)
    wanted = [images[index] for index in range(len(paths))]
    loader = DataLoader(images, batch_size=None, num_workers=1, multiprocessing_context=method, timeout=60)
    assert all(np.array_equal(image, other) for image, other in zip(loader, wanted, strict=True))


def _write(path: Path, done: object) -> None:
    try:
        write_picture(path, Picture(pixels(3), Metadata(), "png"))
    except ValueError as error:
        done.send(str(error))  # type: ignore[attr-defined]
    else:
        done.send("written")  # type: ignore[attr-defined]


@pytest.mark.parametrize(("suffix", "message"), [(".png", "start workers by the method 'spawn'"), (".jpg", "written")])
def test_a_fork_of_a_process_that_has_written_does_not_hang(tmp_path: Path, suffix: str, message: str) -> None:
    write_picture(tmp_path / "a.png", Picture(pixels(3), Metadata(), "png"))
    context = get_context("fork")
    here, there = context.Pipe()
    process = context.Process(target=_write, args=(tmp_path / f"b{suffix}", there))
    process.start()
    assert here.poll(60)
    assert message in here.recv()
    process.join()


def test_the_library_waits_for_the_first_file(tmp_path: Path) -> None:
    Image.new("RGB", (9, 8)).save(tmp_path / "a.png")
    code = (
        "import sys, cfmrestore.imageio as imageio; assert 'pyvips' not in sys.modules; "
        f"imageio.read_image({str(tmp_path / 'a.png')!r}); assert 'pyvips' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env=environment())
