"""Evaluate a checkpoint on benchmarks.

Beside it stand bicubic interpolation and what its encoder can do.
"""

import argparse
from typing import Any

from cfmrestore.cli import common

JSON = True

READS = ("config",)
MODELS = ("checkpoint",)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("config", help=common.CONFIG)
    parser.add_argument(
        "checkpoint", help="a .pth or .safetensors file, a work directory, a bundled model, or org/name of a hub"
    )
    benchmarks = (
        "in place of the config's test set: NAME=HIGH,LOW for pairs, NAME=HIGH to degrade as the config does, or "
        "NAME=FOLDER with a frozen set of degrade.py"
    )
    parser.add_argument("--benchmarks", nargs="+", default=[], metavar="NAME=FOLDERS", help=benchmarks)
    common.add_metric_flags(parser)
    parser.add_argument("--method", help="how the restorations are called in tables (default: the checkpoint)")
    parser.add_argument("--out", metavar="FILE.json", help="write the result, and a table and a CSV file beside it")
    parser.add_argument("--report", metavar="FILE.html", help="write a page with histograms and the worst images")
    parser.add_argument("--show-dir", metavar="DIR", help="write a picture of every image")
    common.add_config_flags(parser)


def run(args: argparse.Namespace) -> Any:
    keys = common.keywords(args, benchmarks=common.parse_names(args.benchmarks))
    from cfmrestore.apis.test import evaluate_checkpoint

    return evaluate_checkpoint(**keys)
