#!/usr/bin/env python
"""Measure what things cost, against their floor or a peer, in turn in one run."""

import argparse

from cfmrestore.cli import common as cli


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    train = commands.add_parser("train", help="the runner's iterations against bare steps, in turn")
    train.add_argument("config", nargs="?", default="configs/cfm_realsr_tiny.py")
    train.add_argument("--iterations", type=int, default=60)
    train.add_argument("--out", metavar="FILE.json", help="write the figures")
    cli.add_common(train)
    degrade = commands.add_parser("degrade", help="Real-ESRGAN's chain against basicsr's, and every operator")
    degrade.add_argument("photographs", nargs="?", default="data/photographs/train", help="a folder of images")
    degrade.add_argument("--rounds", type=int, default=160)
    degrade.add_argument("--batch", type=int, default=16)
    degrade.add_argument("--side", type=int, default=256)
    degrade.add_argument("--out", metavar="FILE.json", help="write the figures")
    degrade.set_defaults(local_rank=None)
    metrics = commands.add_parser("metrics", help="PSNR with SSIM, and NIQE, against basicsr's")
    metrics.add_argument("photographs", nargs="?", default="data/photographs/train", help="a folder of images")
    metrics.add_argument("--rounds", type=int, default=5)
    metrics.add_argument("--out", metavar="FILE.json", help="write the figures")
    metrics.set_defaults(local_rank=None)
    restore = commands.add_parser("restore", help="from file to file: what is spent outside of the network; memory")
    restore.add_argument(
        "model", nargs="?", default="configs/cfm_realsr.py", help="a checkpoint, or an untrained config"
    )
    restore.add_argument("--side", type=int, default=1024, help="of the result, in pixels (default: 1024)")
    restore.add_argument(
        "--memory", nargs="*", type=int, default=[], metavar="SIDE", help="measure peak memory at these"
    )
    restore.add_argument("--rounds", type=int, default=5)
    restore.add_argument("--num-intervals", type=int, metavar="N")
    restore.add_argument("--tile", type=int, metavar="PIXELS", help="default: auto")
    restore.add_argument("--out", metavar="FILE.json", help="write the figures")
    restore.set_defaults(local_rank=None)
    args = cli.parse(parser)
    if args.command == "train":
        from cfmrestore.analysis.benchmarks.train import benchmark_train

        benchmark_train(
            args.config, iterations=args.iterations, work_dir=args.work_dir, out=args.out, options=args.cfg_options
        )
    elif args.command == "metrics":
        from cfmrestore.analysis.benchmarks.metrics import benchmark_metrics

        benchmark_metrics(args.photographs, rounds=args.rounds, out=args.out)
    elif args.command == "restore":
        from cfmrestore.analysis.benchmarks.restore import benchmark_restore

        tile = "auto" if args.tile is None else args.tile
        own = {"num_intervals": args.num_intervals, "tile": tile}
        benchmark_restore(args.model, side=args.side, sides=args.memory, rounds=args.rounds, out=args.out, **own)
    else:
        from cfmrestore.analysis.benchmarks.degrade import benchmark_degrade

        benchmark_degrade(args.photographs, rounds=args.rounds, batch=args.batch, side=args.side, out=args.out)


if __name__ == "__main__":
    cli.run(main)
