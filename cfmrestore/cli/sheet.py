"""Put the pictures of several folders side by side, pixel for pixel: methods, inputs and originals.

With --blind for judges who shall not know which is which.
"""

import argparse
from pathlib import Path

from cfmrestore.cli import common

READS = ("folders",)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    help_ = "folders whose pictures have the same names, from left to right"
    parser.add_argument("folders", nargs="+", metavar="[LABEL=]FOLDER", help=help_)
    parser.add_argument("--out", default="sheet.png", metavar="FILE", help=".png or .jpg (default: sheet.png)")
    parser.add_argument("--count", type=int, metavar="N", help="rows, taken evenly from all (default: all)")
    help_ = "show a square of that many pixels of each, where it has most contrast (default: all of it)"
    parser.add_argument("--crop", type=int, metavar="SIDE", help=help_)
    parser.add_argument("--blind", action="store_true", help="shuffle each row; which is which goes into a .json file")
    parser.add_argument("--seed", type=int, default=0, help="of the shuffling (default: 0)")
    parser.add_argument("--overwrite", action="store_true", help="replace a sheet that is there")


def run(args: argparse.Namespace) -> None:
    from cfmrestore.apis.sheet import sheet

    named = [folder if "=" in folder else f"{Path(folder).resolve().name}={folder}" for folder in args.folders]
    sheet(**common.keywords(args, folders=common.parse_names(named)))
    print(f"look at {args.out}")
