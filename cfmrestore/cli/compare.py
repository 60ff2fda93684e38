"""Put results side by side, with paired intervals.

The intervals are the bootstrap's; files of different protocols are refused.
"""

import argparse
from typing import Any

from cfmrestore.cli import common

JSON = True

READS = ("results",)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("results", nargs="+", metavar="[NAME=]RESULT.json", help="written by test.py or evaluate.py")
    parser.add_argument("--baseline", metavar="METHOD", help="what is compared with (default: bicubic, or the first)")
    parser.add_argument("--level", type=float, default=0.95, help="of confidence (default: 0.95)")
    parser.add_argument("--samples", type=int, default=10_000, help="of the bootstrap (default: 10000)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", metavar="FILE", help="a .md, .csv or .json file")


def run(args: argparse.Namespace) -> Any:
    from cfmrestore.reports.compare import compare

    keys = common.keywords(args)
    return compare(keys.pop("results"), **keys)
