#!/usr/bin/env python
"""Measure what training costs beside the bare steps of its network."""

import argparse

from cfmrestore.apis import cli


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    train = commands.add_parser("train", help="the runner's iterations against bare steps, in turn")
    train.add_argument("config", nargs="?", default="configs/cfm_realsr_tiny.py")
    train.add_argument("--iterations", type=int, default=60)
    train.add_argument("--out", metavar="FILE.json", help="write the figures")
    cli.add_common(train)
    args = cli.parse(parser)

    from cfmrestore.apis.benchmark import benchmark_train

    benchmark_train(
        args.config, iterations=args.iterations, work_dir=args.work_dir, out=args.out, options=args.cfg_options
    )


if __name__ == "__main__":
    cli.run(main)
