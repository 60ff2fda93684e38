"""Print a config as it is run.

With its bases, its options and its references resolved.
"""

import argparse

from cfmrestore.cli import common

READS = ("config",)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("config", help=common.CONFIG)
    parser.add_argument("--format", choices=("py", "json", "yaml"), help="default: that of --out, or py")
    parser.add_argument("--out", "--save-path", metavar="FILE", help="write it, in place of printing it")
    common.add_key_values(parser, "--cfg-options", help="change keys of the config, as in training")


def run(args: argparse.Namespace) -> None:
    keys = common.keywords(args)
    from cfmrestore.apis.print_config import print_config

    print_config(**keys)
