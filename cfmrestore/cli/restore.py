"""Restore photographs of any kind and size.

Files, folders and patterns.
"""

import argparse

from cfmrestore.cli import common

INTERRUPTED = "interrupted; the same command goes on where it stopped"
_SETTINGS = ("scale", "seed", "fidelity", "num_intervals", "solver", "noise", "consistency", "color", "tile")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("inputs", nargs="+", metavar="INPUT", help="images, folders (searched deeply) and patterns")
    model = (
        "a bundled model, a checkpoint, a work directory, a chain's .py (default: the bundled one that a picture needs)"
    )
    parser.add_argument("--model", default="auto", metavar="PATH", help=model)
    parser.add_argument("--out", default="restored", metavar="PATH", help="a folder, or the file of one image")
    parser.add_argument("--scale", type=float, help="any positive number, at most 64 (default: the model's)")
    parser.add_argument("--seed", type=int, default=0, help="another one draws other detail")
    _add_look(parser.add_argument_group("how it looks"))
    _add_files(parser.add_argument_group("files"))
    _add_machine(parser.add_argument_group("the machine"))


def _add_look(group: argparse._ArgumentGroup) -> None:
    fidelity = "0 the most detailed, 1 the closest to the input (default: the model's)"
    group.add_argument("--fidelity", type=float, metavar="F", help=fidelity)
    group.add_argument("--num-intervals", type=int, metavar="N", help="steps of the solver")
    group.add_argument("--solver", metavar="NAME", help="Euler, Heun, ...")
    group.add_argument("--noise", type=float, metavar="F", help="factor on the noise at the start")
    consistent = argparse.BooleanOptionalAction
    group.add_argument("--consistency", action=consistent, help="shrunk, the result equals the input")
    group.add_argument("--color", metavar="MODE", help="take the input's colors: mean, wavelet, adain, none")
    group.add_argument("--colour", action=common.RenamedFlag, present="--color")
    samples = "results an image, and a map where they differ"
    group.add_argument("--samples", type=int, default=1, metavar="N", help=samples)


def _add_files(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--suffix", default="", help="what names of results end with, such as _x4")
    group.add_argument("--format", help="png, jpg, webp, avif or tif (default: the input's)")
    group.add_argument("--quality", type=int, default=95, help="of JPEG and WebP (default: 95)")
    group.add_argument("--overwrite", action="store_true", help="make results again that are there")


def _add_machine(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--tile", type=common.tile, default="auto", help="auto, pixels of the result a tile, or 0 for none"
    )
    group.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1 ...")
    group.add_argument("--precision", default="auto", help="of the network: auto, fp32, bf16, fp16")
    group.add_argument("--threads", type=int, metavar="N", help="of each process on a CPU (default: all cores)")
    group.add_argument("--config", help="the model's config, for a checkpoint that does not hold it")
    common.add_key_values(group, "--cfg-options", help="change that config")


def run(args: argparse.Namespace) -> None:
    keys = common.keywords(args, part=common.process_part())
    common.use_threads(keys.pop("threads"))
    from cfmrestore.apis.restore import restore
    from cfmrestore.restore import Settings

    done = restore(settings=Settings(**{key: keys.pop(key) for key in _SETTINGS}), **keys)
    print(f"{len(done)} files written" + (f", the last is {done[-1]}" if done else ""))
