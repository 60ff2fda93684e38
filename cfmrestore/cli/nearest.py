"""Look for generated pictures in the training set: are they copies?

Median and minimum of their distances from training pictures, beside those of held-out ones, and a sheet.
"""

import argparse

from cfmrestore.cli import common

READS = ("generated",)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("generated", metavar="FOLDER", help="of generated pictures")
    what = "a folder, or a dataset and its split: Digits:train"
    parser.add_argument("--train", metavar="PICTURES", required=True, help=f"what was trained on: {what}")
    parser.add_argument("--held-out", metavar="PICTURES", help="real ones that were not: a folder, or Digits:held_out")
    parser.add_argument("--features", metavar="NAME", help="compare in the features of this network (default: pixels)")
    parser.add_argument("--weights", metavar="FILE", help="of the network (default: torch's cache, or its package)")
    parser.add_argument("--neighbors", type=int, default=5, metavar="K", help="in the sheet (default: 5)")
    parser.add_argument("--rows", type=int, default=20, metavar="N", help="of the sheet, nearest first (default: 20)")
    help_ = "the sheet; its numbers are written beside it as JSON (default: nearest.png)"
    parser.add_argument("--out", default="nearest.png", metavar="FILE.png", help=help_)
    common.add_overwrite_flag(parser)


def run(args: argparse.Namespace) -> None:
    from cfmrestore.apis.nearest import nearest

    nearest(**common.keywords(args))
    common.say(f"look at {args.out}")
