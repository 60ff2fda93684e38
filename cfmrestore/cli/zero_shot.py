"""Measure restoration by a flow that was trained to generate.

Super-resolution, deblurring and inpainting of photographs, with each method.
"""

import argparse

from cfmrestore.cli import common

READS = ("photographs",)
MODELS = ("model",)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", help="a flow from noise: a checkpoint or a work directory")
    parser.add_argument("photographs", nargs="?", default="data/photographs/held_out", help="a folder")
    parser.add_argument("--split", default="all", help="of the photographs: all, train or held_out")
    parser.add_argument("--count", type=int, default=10, metavar="N", help="photographs (default: 10)")
    parser.add_argument("--side", type=int, default=192, metavar="PIXELS", help="of their middles (default: 192)")
    methods = ["flower", "pnp-flow", "mmps"]
    parser.add_argument("--methods", nargs="+", default=methods, metavar="NAME", help="flower, pnp-flow, mmps")
    parser.add_argument("--steps", type=int, metavar="N", help="of the methods (default: their own)")
    beside = "models that were trained to restore, each beside the tasks of its scale"
    parser.add_argument("--beside", nargs="+", default=[], metavar="NAME=MODEL", help=beside)
    parser.add_argument("--picture", metavar="FILE.jpg", help="inputs, results of each method, originals")
    parser.add_argument("--out", metavar="FILE.md", help="for the tables")
    page = "whose tables between <!-- zero-shot: begin --> and end are made new"
    parser.add_argument("--page", metavar="FILE.md", help=page)
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1 ...")
    parser.add_argument("--threads", type=int, metavar="N", help="on a CPU (default: all cores)")


def run(args: argparse.Namespace) -> None:
    keys = common.keywords(args, beside=common.parse_names(args.beside))
    common.use_threads(keys.pop("threads"))
    from cfmrestore.analysis.zero_shot import zero_shot

    print(zero_shot(**keys))
