"""Edit a picture along boundaries of attributes, or to another class.

The boundaries are those of fit-boundary, for the same model.
"""

import argparse
import re
from typing import Any

from cfmrestore.cli import common

JSON = True

READS = ("photo", "boundary", "keep")
MODELS = ("model",)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "photo", metavar="PHOTO", help="the picture, of the size of those that boundaries were fitted to"
    )
    parser.add_argument("--model", required=True, help=common.MODEL)
    methods = ("boundary", "flowedit", "rf-inversion")
    parser.add_argument("--method", choices=methods, default="boundary", help="the others are between classes")
    parser.add_argument("--label", type=int, metavar="C", help="class of the picture, where it is told")
    parser.add_argument("--out", default="edited", metavar="FOLDER", help="of PNG files and a strip (default: edited)")
    parser.add_argument("--overwrite", action="store_true", help="replace files that are there")
    along = parser.add_argument_group("along boundaries")
    help_ = "boundaries along which it is moved"
    along.add_argument("--boundary", nargs="+", default=[], metavar="FILE", help=help_)
    along.add_argument("--keep", nargs="+", default=[], metavar="FILE", help="boundaries whose distances stay")
    help_ = "in standard deviations of the distance, of all boundaries or one each, as 3,-3 (default: -2 -1 0 1 2)"
    parser._negative_number_matcher = re.compile(r"-[\d.]")  # argparse takes -3,3 for a flag
    along.add_argument("--strength", type=_strength, nargs="+", default=[-2, -1, 0, 1, 2], metavar="K", help=help_)
    along.add_argument("--set", action="store_true", help="move to these distances, not by them")
    along.add_argument("--num-intervals", type=int, metavar="N", help="steps of the solver from t = 0 to 1")
    along.add_argument("--solver", metavar="NAME", help="Euler, Heun, RK4 ... (default: the model's)")
    to = parser.add_argument_group("to other classes, by flowedit or rf-inversion")
    to.add_argument("--target", type=int, nargs="+", default=[], metavar="C", help="the classes, a picture each")
    to.add_argument("--guidance", type=float, metavar="S", help="to these (default: the model's)")
    to.add_argument("--source-guidance", type=float, metavar="S", help="to that of the picture (default: 1)")
    to.add_argument("--steps", type=int, default=28, metavar="N", help="from t = 0 to 1 (default: 28)")
    to.add_argument("--seed", type=int, default=0, help="of the noise (default: 0)")
    flowedit = parser.add_argument_group("flowedit")
    help_ = "of the steps, the last ones that are walked: fewer keep more (default: 6 of 7)"
    flowedit.add_argument("--n-max", type=int, metavar="N", help=help_)
    help_ = "of these, the last ones that sample the target alone (default: 0)"
    flowedit.add_argument("--n-min", type=int, metavar="N", help=help_)
    flowedit.add_argument("--n-avg", type=int, metavar="N", help="draws of noise a step (default: 1)")
    inversion = parser.add_argument_group("rf-inversion")
    help_ = "how much the way back is led to a draw of noise, from 0 to 1 (default: 0.5)"
    inversion.add_argument("--gamma", type=float, metavar="F", help=help_)
    help_ = "how much the way forward is led to the picture, from 0 to 1 (default: 0.9)"
    inversion.add_argument("--eta", type=float, metavar="F", help=help_)
    help_ = "the times from which and until which it is led there (default: 0 0.25)"
    inversion.add_argument("--interval", type=float, nargs=2, metavar="T", help=help_)
    inversion.add_argument("--decay", type=float, metavar="P", help="power by which eta fades (default: 0)")
    help_ = "walk forward under the picture's class too, and tell how far from the picture that ends"
    inversion.add_argument("--reconstruct", action="store_true", help=help_)
    machine = parser.add_argument_group("the machine")
    machine.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1 ...")
    machine.add_argument("--threads", type=int, metavar="N", help="on a CPU (default: all cores)")


def _strength(text: str) -> float | tuple[float, ...]:
    """One number, or one for each boundary."""
    several = common.numbers(text)
    return several[0] if len(several) == 1 else tuple(several)


def run(args: argparse.Namespace) -> Any:
    keys = common.keywords(args)
    common.use_threads(keys.pop("threads"))
    from cfmrestore.apis.edit import edit

    done = edit(**keys)
    common.say(f"{len(done.pictures)} pictures and {done.strip.name} written to {args.out}")
    return {"files": [*done.pictures, done.strip]}
