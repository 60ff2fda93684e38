"""Fit the times of a grid to a model and a number of evaluations.

No weight is changed; what is printed goes into a config.
"""

import argparse

from cfmrestore.cli import common

MODELS = ("model",)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL", help=common.MODEL)
    parser.add_argument("--evaluations", type=int, required=True, metavar="K", help="of the network, for which it is")
    add_start_flags(parser)
    parser.add_argument("--count", type=int, default=64, metavar="N", help="starts (default: 64)")
    parser.add_argument("--out", metavar="FILE.json", help="file of the times and their errors")
    search = parser.add_argument_group("the search")
    search.add_argument("--solver", metavar="NAME", help="Euler, Heun, AB2 ... (default: the model's)")
    search.add_argument("--guidance", type=float, metavar="S", help="default: the model's")
    search.add_argument(
        "--fine", type=int, default=64, metavar="N", help="intervals of the fine solution (default: 64)"
    )
    search.add_argument("--steps", type=int, default=200, metavar="N", help="grids that are tried (default: 200)")
    machine = parser.add_argument_group("the machine")
    machine.add_argument("--batch", type=int, default=16, metavar="N", help="starts at once (default: 16)")
    machine.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1 ...")
    machine.add_argument("--threads", type=int, metavar="N", help="on a CPU (default: all cores)")


def add_start_flags(parser: argparse.ArgumentParser) -> None:
    """Where paths start."""
    start = parser.add_argument_group("where paths start")
    help_ = "an image or a folder of them, from which a model that restores gets its inputs"
    start.add_argument("--images", metavar="PATH", help=help_)
    start.add_argument("--crop", type=int, default=96, metavar="PIXELS", help="side of a square of each (default: 96)")
    start.add_argument("--classes", type=int, nargs="+", default=[], metavar="C", help="in turn (default: all)")
    start.add_argument("--seed", type=int, default=0, help="of the first; the others follow (default: 0)")


def run(args: argparse.Namespace) -> None:
    keys = common.keywords(args)
    common.use_threads(keys.pop("threads"))
    from cfmrestore.apis.fit_grid import fit_grid

    fit_grid(**keys)
