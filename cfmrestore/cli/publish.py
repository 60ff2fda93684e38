"""Make a model that others can take of a training.

Weights with their config, a card, the curves.
"""

import argparse

from cfmrestore.cli import common


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("work_dir", help="of a finished training, or a checkpoint in it")
    parser.add_argument("name", help="of the model, such as cfm-x4")
    parser.add_argument("--out", metavar="FOLDER", required=True, help="models.json there lists all that it holds")
    sampling = "what users get who ask for nothing else: num_intervals=3 grid.type=ShiftedGrid"
    common.add_key_values(parser, "--sampling", help=sampling)
    card = "what else is said of it: what, data, license, command, degradation (a preset)"
    parser.add_argument("--card", nargs="+", default=[], metavar="KEY=VALUE", help=card)


def run(args: argparse.Namespace) -> None:
    card, sampling = common.parse_names(args.card), common.parse_options(args.sampling)
    from cfmrestore.analysis.publish import publish, summary

    file = publish(args.work_dir, args.name, args.out, sampling=sampling, card=card)
    print(summary(args.name, args.out))
    print(f"{file}, {file.stat().st_size / 2**20:.1f} MiB; look at {file.with_suffix('.png')}")
