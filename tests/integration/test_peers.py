"""What a peer needs, and makes: crops as a training sees them, and the published network read from its file."""

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from PIL import Image

from cfmrestore._compat import patch_torchvision
from cfmrestore.datasets import PairedFolder
from cfmrestore.imageio import list_images
from tests.testing import ROOT, TINY, run_tool, small_options


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "tools" / "peers" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_crops_are_pairs_and_are_made_once(tmp_path: Path) -> None:
    flags = ("peers/crops.py", TINY, tmp_path / "pairs", "--count", 8)
    run_tool(*flags, options=small_options(tmp_path))
    pairs = PairedFolder(high_root=str(tmp_path / "pairs" / "high"), low_root=str(tmp_path / "pairs" / "low"))
    assert len(pairs) == 8
    inputs = pairs[7]["inputs"]
    assert inputs["high"].shape[-1] == 4 * inputs["low"].shape[-1]
    assert len({path.read_bytes() for path in list_images(tmp_path / "pairs" / "high")}) == 8
    first = tmp_path / "pairs" / "high" / "000000.png"
    before = first.stat().st_mtime_ns
    (tmp_path / "pairs" / "high" / "000003.png").unlink()
    run_tool(*flags, options=small_options(tmp_path))
    assert len(pairs.samples) == len(list_images(tmp_path / "pairs" / "high"))
    assert first.stat().st_mtime_ns == before


def test_a_config_that_is_none(tmp_path: Path) -> None:
    said = run_tool("peers/crops.py", tmp_path / "none.py", tmp_path / "pairs", expect=1)
    assert said.strip().endswith(f"error: there is no config '{tmp_path / 'none.py'}'")


def test_the_published_weights_are_read(tmp_path: Path) -> None:
    patch_torchvision()
    pytest.importorskip("basicsr")
    from basicsr.archs.rrdbnet_arch import RRDBNet

    real_esrgan = script("real_esrgan")
    network, data = RRDBNet(3, 3, scale=4), b""
    for name, parameter in network.named_parameters():
        half = name.endswith("weight")
        data += real_esrgan._HALF.to_bytes(4, "little") if half else b""
        data += parameter.detach().numpy().astype(np.float16 if half else np.float32).tobytes()
    (tmp_path / "x.bin").write_bytes(data)
    loaded = real_esrgan.load(tmp_path / "x.bin")
    for name, parameter in network.named_parameters():
        rounded = parameter.half().float() if name.endswith("weight") else parameter
        assert torch.equal(loaded.get_parameter(name), rounded)
    assert real_esrgan.restore(loaded, np.zeros((2, 12, 16, 3), np.uint8)).shape == (2, 48, 64, 3)
    (tmp_path / "x.bin").write_bytes(data + b"more")
    with pytest.raises(SystemExit, match="is not of this network: delete it"):
        real_esrgan.load(tmp_path / "x.bin")


def test_a_peer_sees_what_is_read_here(tmp_path: Path) -> None:
    pytest.importorskip("basicsr")
    deep = np.full((6, 10), 30000, np.uint16)
    Image.fromarray(deep).save(tmp_path / "deep.png")
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (10, 6)).save(tmp_path / "lying.jpg", exif=exif)
    real_esrgan = script("real_esrgan")
    found = {path.name: pixels[0] for (path,), pixels in real_esrgan.batches(list_images(tmp_path), 1)}
    assert (found["deep.png"] == 117).all()
    assert found["lying.jpg"].shape == (10, 6, 3)
