"""Measure a checkpoint under many solvers.

And numbers of intervals: quality against true cost.
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
    parser.add_argument("--out", metavar="FOLDER", required=True, help="for sweep.csv, sweep.json and sweep.png")
    parser.add_argument("--solvers", nargs="+", default=["Euler", "Heun"], metavar="NAME", help="default: Euler Heun")
    parser.add_argument("--intervals", nargs="+", type=int, default=[1, 2, 4, 8], metavar="N", help="default: 1 2 4 8")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0], metavar="N", help="of the noise at the start")
    fidelity = "0 the most detailed, 1 the most faithful"
    parser.add_argument("--fidelity", dest="fidelities", nargs="+", type=float, metavar="F", help=fidelity)
    parser.add_argument("--benchmark", metavar="NAME=FOLDERS", help="in place of the config's test set, as in test.py")
    common.add_metric_flags(parser)
    common.add_config_flags(parser)


def run(args: argparse.Namespace) -> Any:
    keys = common.keywords(args)
    from cfmrestore.analysis.sweep import sweep

    return sweep(**keys)
