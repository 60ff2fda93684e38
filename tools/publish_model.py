#!/usr/bin/env python
"""Make a model that others can take of a training: weights with their config, a card, the curves."""

import argparse

from mmengine.config import DictAction

from cfmrestore.cli import common as cli


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("work_dir", help="of a finished training, or a checkpoint in it")
    parser.add_argument("name", help="of the model, such as cfm-x4")
    parser.add_argument("--out", metavar="FOLDER", required=True, help="models.json there lists all that it holds")
    parser.add_argument(
        "--sampling",
        nargs="+",
        action=DictAction,
        metavar="KEY=VALUE",
        help="what users get who ask for nothing else: num_intervals=3 grid.type=ShiftedGrid",
    )
    parser.add_argument(
        "--card",
        nargs="+",
        default=[],
        metavar="KEY=VALUE",
        help="what else is said of it: what, data, license, command, degradation (a preset)",
    )
    args = parser.parse_args()

    from cfmrestore.analysis.publish import publish, summary

    file = publish(args.work_dir, args.name, args.out, sampling=args.sampling, card=cli.named(args.card))
    print(summary(args.name, args.out))
    print(f"{file}, {file.stat().st_size / 2**20:.1f} MiB; look at {file.with_suffix('.png')}")


if __name__ == "__main__":
    cli.run(main)
