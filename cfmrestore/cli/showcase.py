"""Show what a model does: a table and a picture.

The table has bicubic interpolation and the originals beside the model.
"""

import argparse

from cfmrestore.cli import common

MODELS = ("model",)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", help=common.MODEL)
    sets = "HIGH,LOW for pairs, HIGH for photographs to degrade, or a frozen set (default: the bundled photographs)"
    bundled = ["photographs=data/photographs/held_out"]
    parser.add_argument("--sets", nargs="+", default=bundled, metavar="NAME=FOLDERS", help=sets)
    parser.add_argument("--preset", help="what photographs are degraded by (default: as the model's card says)")
    parser.add_argument("--split", default="all", help="of photographs to degrade: all, train or held_out")
    parser.add_argument("--beside", nargs="+", default=[], metavar="NAME=MODEL", help="other models to measure too")
    parser.add_argument("--out", default="work_dirs/showcase", metavar="FOLDER", help="for all images")
    parser.add_argument("--picture", metavar="FILE.jpg", help="details of the first set's images")
    page = "whose table between <!-- MODEL: begin --> and end is made new"
    parser.add_argument("--page", metavar="FILE.md", help=page)
    parser.add_argument("--results", metavar="FILE.json", help="for the tables as data, as in docs/results")


def run(args: argparse.Namespace) -> None:
    keys = common.keywords(args, sets=common.parse_names(args.sets), beside=common.parse_names(args.beside))
    from cfmrestore.analysis.showcase import showcase

    print(showcase(**keys))
    print(f"look at {args.picture or args.out}")
