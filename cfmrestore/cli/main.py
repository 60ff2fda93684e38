"""The command ``cfmrestore``: a subcommand for each tool."""

import argparse
import os
from collections.abc import Sequence
from importlib import import_module
from types import ModuleType

from cfmrestore._version import __version__
from cfmrestore.process import prepare_process, readable_errors

COMMANDS = (
    "train", "test", "evaluate", "feature-statistics", "compare", "sweep", "study", "restore", "sample", "inpaint",
    "boost", "degrade", "showcase", "publish", "print-config", "benchmark", "demo",
)  # fmt: skip
"""Names of the files of this folder, with hyphens, in the order of the help."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command that the arguments name, by default those of the process."""
    prepare_process()
    parser = argparse.ArgumentParser(prog="cfmrestore", description="Restore images, and train what restores them.")
    parser.add_argument("--version", action="version", version=f"cfmrestore {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name in COMMANDS:
        module = _module(name)
        summary = (module.__doc__ or "").partition("\n")[0]
        module.add_arguments(commands.add_parser(name, help=summary, description=module.__doc__))
    args, unknown = parser.parse_known_args(arguments)
    if unknown:  # said with the usage of the command, not with that of all
        commands.choices[args.command].error(f"unrecognized arguments: {' '.join(unknown)}")
    _run(args.command, args)


def tool(name: str) -> None:
    """Run one command with the arguments of the process: what a script of ``tools/`` is."""
    prepare_process()
    _run(name, build_parser(name).parse_args())


def build_parser(name: str) -> argparse.ArgumentParser:
    """The arguments of one command alone."""
    module = _module(name)
    parser = argparse.ArgumentParser(description=module.__doc__)
    module.add_arguments(parser)
    return parser


def _module(name: str) -> ModuleType:
    return import_module(f"cfmrestore.cli.{name.replace('-', '_')}")


def _run(name: str, args: argparse.Namespace) -> None:
    rank = getattr(args, "local_rank", None)
    if rank is not None:  # from launchers that give it as a flag
        os.environ.setdefault("LOCAL_RANK", str(rank))
    module = _module(name)
    with readable_errors(getattr(module, "INTERRUPTED", "interrupted")):
        module.run(args)
