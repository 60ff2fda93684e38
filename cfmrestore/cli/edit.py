"""Edit a picture along boundaries of attributes.

The boundaries are those of fit-boundary, for the same model.
"""

import argparse

from cfmrestore.cli import common


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "photo", metavar="PHOTO", help="the picture, of the size of those that boundaries were fitted to"
    )
    parser.add_argument("--model", required=True, help="a checkpoint, a work directory, or a bundled model")
    help_ = "boundaries along which it is moved, all by the same strength"
    parser.add_argument("--boundary", nargs="+", required=True, metavar="FILE", help=help_)
    parser.add_argument("--keep", nargs="+", default=[], metavar="FILE", help="boundaries whose distances stay")
    help_ = "in standard deviations of the distance (default: -2 -1 0 1 2)"
    parser.add_argument("--strength", type=float, nargs="+", default=[-2, -1, 0, 1, 2], metavar="K", help=help_)
    parser.add_argument("--set", action="store_true", help="move to these distances, not by them")
    parser.add_argument("--label", type=int, metavar="C", help="class of the picture, where it was told in the fit")
    parser.add_argument("--out", default="edited", metavar="FOLDER", help="of PNG files and a strip (default: edited)")
    parser.add_argument("--overwrite", action="store_true", help="replace files that are there")
    walk = parser.add_argument_group("the way there and back")
    walk.add_argument("--num-intervals", type=int, metavar="N", help="steps of the solver from t = 0 to 1")
    walk.add_argument("--solver", metavar="NAME", help="Euler, Heun, RK4 ... (default: the model's)")
    machine = parser.add_argument_group("the machine")
    machine.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1 ...")
    machine.add_argument("--threads", type=int, metavar="N", help="on a CPU (default: all cores)")


def run(args: argparse.Namespace) -> None:
    keys = common.keywords(args)
    common.use_threads(keys.pop("threads"))
    from cfmrestore.apis.edit import edit

    done = edit(**keys)
    print(f"{len(done.pictures)} pictures and {done.strip.name} written to {args.out}")
