"""Judge how far boundaries reach, by a network that knows nothing of them.

Pictures are moved toward the other side; the share that arrives, and of their other attributes the share that stays.
"""

import argparse
from typing import Any

from cfmrestore.cli import common

MODELS = ("model",)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL", help=common.MODEL)
    parser.add_argument("data", metavar="PICTURES", help="a folder, or a dataset and its split: Avatars:held_out")
    help_ = "files of fit-boundary"
    parser.add_argument("--boundary", nargs="+", required=True, metavar="FILE", help=help_)
    help_ = "features that know attributes: AvatarClassifier, DigitClassifier or a plugin"
    parser.add_argument("--judge", required=True, metavar="NAME", help=help_)
    parser.add_argument("--against", metavar="NAME", help="attribute of the other side, as for fit-boundary")
    help_ = "boundaries of the same times whose distances stay"
    parser.add_argument("--keep", nargs="+", default=[], metavar="FILE", help=help_)
    help_ = "how far, in standard deviations (default: 1 2 3)"
    parser.add_argument("--strengths", nargs="+", type=float, default=[1.0, 2.0, 3.0], metavar="K", help=help_)
    parser.add_argument("--count", type=int, default=40, metavar="N", help="pictures, half of each side (default: 40)")
    parser.add_argument("--solver", metavar="NAME", help="Euler, Heun, RK4 ... (default: the model's)")
    parser.add_argument("--num-intervals", type=int, metavar="N", help="steps of the solver from t = 0 to 1")
    parser.add_argument("--sheet", metavar="FILE.png", help="some of the pictures, and below them at each strength")
    common.add_overwrite_flag(parser)
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1 ...")
    parser.add_argument("--threads", type=int, metavar="N", help="on a CPU (default: all cores)")


def run(args: argparse.Namespace) -> Any:
    keys = common.keywords(args)
    common.use_threads(keys.pop("threads"))
    from cfmrestore.analysis.judge_boundary import judge_boundary

    judge_boundary(**keys)
    if args.sheet:
        common.say(f"look at {args.sheet}")
