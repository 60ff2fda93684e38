"""Measure a folder of restored images.

From anywhere, against the folder of their targets or without.
"""

import argparse
from typing import Any

from cfmrestore.cli import common

JSON = True

READS = ("restored", "target", "low", "reference")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("restored", help="a folder of restored images, or one image")
    parser.add_argument("target", nargs="?", help="the folder of what they should be")
    parser.add_argument("--low", metavar="FOLDER", help="the inputs: adds a row for bicubic interpolation")
    reference = "other pictures for fid, kid, ... in place of targets: a folder, or a file of feature_statistics.py"
    parser.add_argument("--reference", metavar="FOLDER_or_FILE", help=reference)
    parser.add_argument("--protocol", default="classic_y", help="how images are compared (default: classic_y)")
    names = "default: PSNR SSIM; kid:EfficientNetLite is KID in the features of that network"
    parser.add_argument("--metrics", nargs="+", default=["PSNR", "SSIM"], metavar="NAME", help=names)
    parser.add_argument("--scale", type=int, help="needed by protocols that cut a border, where --low does not tell it")
    parser.add_argument("--suffix", default="", help="what the names of restorations end with, such as _x4")
    parser.add_argument("--method", help="how the restorations are called (default: their folder)")
    parser.add_argument("--name", help="how the set of images is called (default: the folder of the targets)")
    parser.add_argument("--weights", metavar="FOLDER", help="of networks that metrics need (default: torch's cache)")
    parser.add_argument("--patches", type=int, metavar="N", help="that fid, kid, ... cut an image into; 0: none")
    parser.add_argument("--patch-side", type=int, metavar="N", help="in pixels (default: 256)")
    parser.add_argument("--min-images", type=int, metavar="N", help="fewest that fid, kid, ... take, at your own risk")
    parser.add_argument("--interval", type=float, metavar="LEVEL", help="interval of fid, kid, ..., such as 0.95")
    parser.add_argument("--out", metavar="FILE.json", help="write the result, and a table and a CSV file beside it")
    parser.add_argument("--report", metavar="FILE.html", help="write a page with histograms and the worst images")


def run(args: argparse.Namespace) -> Any:
    from cfmrestore.apis.evaluate import evaluate_folders

    return evaluate_folders(**common.keywords(args))
