"""Estimate what made small images of large ones: blur, sharpening, noise and JPEG of pairs, beside those of presets.

Quantiles of each as a table, and how much of each frequency is left as a picture.
"""

import argparse

from cfmrestore.cli import common


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("high", metavar="HIGH", help="folder of large images")
    parser.add_argument("low", metavar="LOW", help="of small ones of the same names")
    help_ = "of degradations: what they make of the large images stands beside"
    parser.add_argument("--presets", nargs="+", default=[], metavar="NAME", help=help_)
    parser.add_argument("--every", type=int, default=1, metavar="N", help="look at every N-th pair (default: at all)")
    parser.add_argument("--out", default="degradation_law.png", metavar="FILE.png", help="(default: %(default)s)")
    common.add_overwrite_flag(parser)


def run(args: argparse.Namespace) -> None:
    from cfmrestore.analysis.degradation_law import degradation_law

    print(degradation_law(**common.keywords(args)))
    common.say(f"look at {args.out}")
