"""Measure ways to enlarge latents: a flow, and what needs no training.

Photographs are shrunk and encoded; the small latents are enlarged and decoded, and compared with the photographs.
"""

import argparse

from cfmrestore.cli import common

READS = ("photographs",)
MODELS = ("model",)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", help="a flow that enlarges latents: a name, a checkpoint or a work directory")
    parser.add_argument("photographs", help="a folder")
    parser.add_argument("--split", default="all", help="of the photographs: all, train or held_out")
    parser.add_argument("--count", type=int, metavar="N", help="photographs, evenly out of all (default: all)")
    shrink = "shrink photographs so many times before: smooth ones, without JPEG of their own (default: 1)"
    parser.add_argument("--shrink", type=int, default=1, metavar="N", help=shrink)
    intervals = "of the flow's grid, a row each (default: 1)"
    parser.add_argument("--intervals", nargs="+", type=int, default=[1], metavar="N", help=intervals)
    fidelities = "of the flow, rows each (default: 0 1)"
    parser.add_argument("--fidelities", nargs="+", type=float, default=[0.0, 1.0], metavar="X", help=fidelities)
    beside = "models that restore the decoded picture, rows each"
    parser.add_argument("--beside", nargs="+", default=[], metavar="NAME=MODEL", help=beside)
    default = ["psnr", "featuredistance", "kid:EfficientNetLite"]
    parser.add_argument("--metrics", nargs="+", default=default, metavar="NAME", help=f"default: {' '.join(default)}")
    parser.add_argument("--encoder", metavar="FOLDER", help="where its weights lie (default: where the model says)")
    parser.add_argument("--pictures", metavar="FOLDER", help="for the pictures of every way")
    parser.add_argument("--picture", metavar="FILE.jpg", help="some of them side by side")
    parser.add_argument("--out", metavar="FILE.md", help="for the table")
    page = "whose table between <!-- lifting: begin --> and end is made new"
    parser.add_argument("--page", metavar="FILE.md", help=page)
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1 ...")
    parser.add_argument("--threads", type=int, metavar="N", help="on a CPU (default: all cores)")


def run(args: argparse.Namespace) -> None:
    keys = common.keywords(args, beside=common.parse_names(args.beside))
    common.use_threads(keys.pop("threads"))
    from cfmrestore.analysis.lifting import lifting

    print(lifting(**keys))
