#!/usr/bin/env python
"""Measure one checkpoint under many solvers and numbers of intervals: quality against true cost."""

import argparse

from cfmrestore.cli import common as cli


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("config")
    parser.add_argument("checkpoint", help="a .pth or .safetensors file, a work directory, or a bundled model")
    parser.add_argument("--out", metavar="FOLDER", required=True, help="for sweep.csv, sweep.json and sweep.png")
    parser.add_argument("--solvers", nargs="+", default=["Euler", "Heun"], metavar="NAME", help="default: Euler Heun")
    parser.add_argument("--intervals", nargs="+", type=int, default=[1, 2, 4, 8], metavar="N", help="default: 1 2 4 8")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0], metavar="N", help="of the noise at the start")
    parser.add_argument(
        "--fidelity", nargs="+", type=float, metavar="F", help="0 the most detailed, 1 the closest to the input"
    )
    parser.add_argument("--benchmark", metavar="NAME=FOLDERS", help="in place of the config's test set, as in test.py")
    parser.add_argument("--protocol", help="how images are compared, in place of the config's")
    cli.add_common(parser)
    args = cli.parse(parser)

    from cfmrestore.analysis.sweep import sweep

    sweep(
        args.config,
        args.checkpoint,
        args.out,
        solvers=args.solvers,
        intervals=args.intervals,
        seeds=args.seeds,
        fidelities=args.fidelity,
        benchmark=args.benchmark,
        protocol=args.protocol,
        work_dir=args.work_dir,
        launcher=args.launcher,
        options=args.cfg_options,
    )


if __name__ == "__main__":
    cli.run(main)
