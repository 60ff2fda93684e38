#!/usr/bin/env python
"""Restore photographs: files, folders and patterns, of any size."""

import argparse
import os

from mmengine.config import DictAction

from cfmrestore.cli import common as cli


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("inputs", nargs="+", metavar="INPUT", help="images, folders (searched deeply) and patterns")
    parser.add_argument(
        "--model",
        default="cfm-x4",
        metavar="PATH",
        help="cfm-x4 (the default), cfm-realsr-x4 for noise or JPEG, a checkpoint, a work directory, or a chain's .py",
    )
    parser.add_argument("--out", default="restored", metavar="PATH", help="a folder, or the file of one image")
    parser.add_argument("--scale", type=float, help="any positive number, at most 64 (default: the model's)")
    parser.add_argument("--seed", type=int, default=0, help="another one draws other detail")
    look = parser.add_argument_group("how it looks")
    look.add_argument(
        "--fidelity",
        type=float,
        metavar="F",
        help="0 the most detailed, 1 the closest to the input (default: the model's)",
    )
    look.add_argument("--num-intervals", type=int, metavar="N", help="steps of the solver")
    look.add_argument("--solver", metavar="NAME", help="Euler, Heun, ...")
    look.add_argument("--noise", type=float, metavar="F", help="factor on the noise at the start")
    consistent = argparse.BooleanOptionalAction
    look.add_argument("--consistency", action=consistent, help="shrunk, the result equals the input")
    look.add_argument("--color", metavar="MODE", help="take the input's colors: mean, wavelet, adain, none")
    look.add_argument(
        "--samples", type=int, default=1, metavar="N", help="results an image, and a map where they differ"
    )
    files = parser.add_argument_group("files")
    files.add_argument("--suffix", default="", help="what names of results end with, such as _x4")
    files.add_argument("--format", help="png, jpg, webp or tif (default: the input's)")
    files.add_argument("--quality", type=int, default=95, help="of JPEG and WebP (default: 95)")
    files.add_argument("--overwrite", action="store_true", help="make results again that are there")
    machine = parser.add_argument_group("the machine")
    machine.add_argument("--tile", type=tile, default="auto", help="auto, pixels of the result a tile, or 0 for none")
    machine.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1 ...")
    machine.add_argument("--precision", default="auto", help="of the network: auto, fp32, bf16, fp16")
    machine.add_argument("--threads", type=int, metavar="N", help="of each process on a CPU (default: all cores)")
    machine.add_argument("--config", help="the model's config, for a checkpoint that does not hold it")
    machine.add_argument("--cfg-options", nargs="+", action=DictAction, metavar="KEY=VALUE", help="change that config")
    machine.set_defaults(local_rank=None)
    args = cli.parse(parser)

    cli.use_threads(args.threads)
    from cfmrestore.apis.restore import restore
    from cfmrestore.restore import Settings

    keys = ("scale", "seed", "fidelity", "num_intervals", "solver", "noise", "consistency", "color", "tile")
    done = restore(
        args.inputs,
        args.model,
        args.out,
        settings=Settings(**{key: getattr(args, key) for key in keys}),
        samples=args.samples,
        suffix=args.suffix,
        format=args.format,
        quality=args.quality,
        overwrite=args.overwrite,
        config=args.config,
        options=args.cfg_options,
        device=args.device,
        precision=args.precision,
        part=(int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))),
    )
    print(f"{len(done)} files written" + (f", the last is {done[-1]}" if done else ""))


def tile(text: str) -> int | str:
    """A number of pixels, or auto."""
    return text if text == "auto" else int(text)


if __name__ == "__main__":
    cli.run(main, "interrupted; the same command goes on where it stopped")
