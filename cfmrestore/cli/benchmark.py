"""Measure what things cost.

Against their floor or a peer, in turn in one run.
"""

import argparse

from cfmrestore.cli import common


def add_arguments(parser: argparse.ArgumentParser) -> None:
    commands = parser.add_subparsers(dest="benchmark", metavar="BENCHMARK", required=True)
    for function, name, summary in (
        (_add_train, "train", "the runner's iterations against bare steps, in turn"),
        (_add_degrade, "degrade", "Real-ESRGAN's chain against basicsr's, and every operator"),
        (_add_metrics, "metrics", "PSNR with SSIM, and NIQE, against basicsr's"),
        (_add_restore, "restore", "from file to file: what is spent outside of the network; memory"),
    ):
        command = commands.add_parser(name, help=summary, description=summary)
        function(command)
        command.add_argument(
            "--busy",
            type=int,
            default=1,
            metavar="N",
            help="all is measured twice: on the machine as it is, and beside N processes that keep a core each busy "
            "(default: 1; 0 leaves that out)",
        )
        command.add_argument("--out", metavar="FILE.json", help="write the figures")


def run(args: argparse.Namespace) -> None:
    {"train": _train, "degrade": _degrade, "metrics": _metrics, "restore": _restore}[args.benchmark](args)


def _add_train(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("config", nargs="?", default="configs/cfm_realsr_tiny.py")
    parser.add_argument("--iterations", type=int, default=60)
    common.add_config_flags(parser)


def _train(args: argparse.Namespace) -> None:
    options = common.parse_options(args.cfg_options)
    from cfmrestore.analysis.benchmarks.train import benchmark_train

    benchmark_train(
        args.config,
        iterations=args.iterations,
        busy=args.busy,
        work_dir=args.work_dir,
        out=args.out,
        options=options,
    )


def _add_degrade(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("photographs", nargs="?", default="data/photographs/train", help="a folder of images")
    parser.add_argument("--rounds", type=int, default=160)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--side", type=int, default=256)


def _degrade(args: argparse.Namespace) -> None:
    from cfmrestore.analysis.benchmarks.degrade import benchmark_degrade

    benchmark_degrade(
        args.photographs, rounds=args.rounds, batch=args.batch, side=args.side, busy=args.busy, out=args.out
    )


def _add_metrics(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("photographs", nargs="?", default="data/photographs/train", help="a folder of images")
    parser.add_argument("--rounds", type=int, default=5)


def _metrics(args: argparse.Namespace) -> None:
    from cfmrestore.analysis.benchmarks.metrics import benchmark_metrics

    benchmark_metrics(args.photographs, rounds=args.rounds, busy=args.busy, out=args.out)


def _add_restore(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "model", nargs="?", default="configs/cfm_realsr.py", help="a checkpoint, or an untrained config"
    )
    parser.add_argument("--side", type=int, default=1024, help="of the result, in pixels (default: 1024)")
    parser.add_argument(
        "--memory", nargs="*", type=int, default=[], metavar="SIDE", help="measure peak memory at these"
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--num-intervals", type=int, metavar="N")
    parser.add_argument("--tile", type=int, metavar="PIXELS", help="default: auto")


def _restore(args: argparse.Namespace) -> None:
    from cfmrestore.analysis.benchmarks.restore import benchmark_restore

    settings = {"num_intervals": args.num_intervals, "tile": "auto" if args.tile is None else args.tile}
    benchmark_restore(
        args.model,
        side=args.side,
        sides=args.memory,
        rounds=args.rounds,
        busy=args.busy,
        out=args.out,
        **settings,
    )
