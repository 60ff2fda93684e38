#!/usr/bin/env python
"""Crops as the training of a config sees them, as files: what a peer is asked about, for the loss Imitation.

    python tools/peers/crops.py CONFIG OUT [--count N] [--cfg-options crop_size=256 data_root=my/photographs]
    python tools/peers/real_esrgan.py OUT/low OUT/peer

The first writes OUT/high and OUT/low, photograph after photograph, as often as it takes; crops that are there already
stay. With the second these folders are a PairedFolder with its peer. Crops larger than those of the training to come
have less of the border of what the peer saw, and each gives several.
"""

import argparse
import sys
import time
from pathlib import Path

from mmengine.config import DictAction
from mmengine.dataset import pseudo_collate
from torch import Tensor

from cfmrestore.datasets.draws import Draw
from cfmrestore.engine.config.load import load_config
from cfmrestore.imageio import Metadata, Picture, write_picture
from cfmrestore.registry import DATASETS, MODELS

PARTS = ("high", "low")


def write(path: Path, image: Tensor) -> None:
    """A picture of 8 bits."""
    pixels = (255 * image.clamp(0, 1)).round().byte().permute(1, 2, 0).numpy()
    write_picture(path, Picture(pixels, Metadata(), "png"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", help="of a training that makes its inputs")
    parser.add_argument("out", type=Path, help="where high/ and low/ are written")
    parser.add_argument("--count", type=int, default=1024, help="crops (default: 1024)")
    parser.add_argument("--seed", type=int, default=0, help="of crops and degradations")
    parser.add_argument("--cfg-options", nargs="+", action=DictAction, default={}, metavar="KEY=VALUE")
    args = parser.parse_args()
    try:
        cfg = load_config(args.config, args.cfg_options)
        preprocess = MODELS.build(cfg.model.data_preprocessor)
        dataset = DATASETS.build(cfg.train_dataloader.dataset, default_args={"seed": args.seed})
        for part in PARTS:
            (args.out / part).mkdir(parents=True, exist_ok=True)
        began = time.perf_counter()
        for number in range(args.count):
            files = [args.out / part / f"{number:06}.png" for part in PARTS]
            if all(file.exists() for file in files):
                continue
            epoch, index = divmod(number, len(dataset))
            inputs = preprocess(pseudo_collate([dataset[Draw(index, epoch, number)]]))["inputs"]
            if not {*PARTS} <= inputs.keys():
                raise ValueError(f"{args.config} makes no inputs: it needs a degradation")
            for part, file in zip(PARTS, files, strict=True):
                write(file, inputs[part][0])
            if number % 50 == 0:
                print(f"{number}/{args.count} {time.perf_counter() - began:.0f} s", flush=True)
    except (ValueError, OSError) as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
