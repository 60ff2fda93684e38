"""Train what a config describes."""

import argparse

from cfmrestore.cli import common

INTERRUPTED = "interrupted; go on with the same command and --resume"

READS = ("config",)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("config")
    resume = "go on from the newest checkpoint, or from this"
    parser.add_argument("--resume", nargs="?", const="auto", metavar="CHECKPOINT", help=resume)
    parser.add_argument("--amp", action="store_true", help="mixed precision, as far as the device has it")
    parser.add_argument("--auto-scale-lr", action="store_true", help="scale the learning rate with the batch")
    parser.add_argument("--seed", type=int, help="the run's seed")
    parser.add_argument("--no-validate", dest="validate", action="store_false", help="do not evaluate while training")
    common.add_config_flags(parser)


def run(args: argparse.Namespace) -> None:
    keys = common.keywords(args)
    from cfmrestore.apis.train import train

    train(**keys)
