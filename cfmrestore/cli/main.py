"""The command ``cfmrestore``: a subcommand for each tool."""

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from types import ModuleType
from typing import Any

from cfmrestore._version import __version__
from cfmrestore.cli import common
from cfmrestore.cli.parser import Parser, check_models, check_there
from cfmrestore.plugins import import_plugins
from cfmrestore.process import console, prepare_process, quiet_pipes, readable_errors

COMMANDS = (
    "train", "test", "evaluate", "feature-statistics", "nearest", "compare", "sheet", "sweep", "study", "restore",
    "sample", "inpaint", "edit", "fit-boundary", "judge-boundary", "fit-grid", "cache", "pairs", "few-steps", "boost",
    "degrade", "degradation-law", "showcase", "zero-shot", "lifting", "publish", "convert", "export", "print-config",
    "benchmark", "demo", "check-plugin", "models", "configs", "doctor", "completion",
)  # fmt: skip
"""Names of the files of this folder, with hyphens, in the order of the help."""


def main(arguments: Sequence[str] | None = None, *, command: str | None = None) -> None:
    """Run a command with the arguments, by default those of the process.

    Args:
        arguments: They begin with the command, unless it is named.
        command: What a script of ``tools/`` is.
    """
    prepare_process()
    with quiet_pipes():
        args = _parse_all(arguments) if command is None else build_parser(command).parse_args(arguments)
        rank = getattr(args, "local_rank", None)
        if rank is not None:  # from launchers that give it as a flag
            os.environ.setdefault("LOCAL_RANK", str(rank))
        _run(_module(command or args.command), args)


def _run(module: ModuleType, args: argparse.Namespace) -> None:
    """Errors that a person can read; for scripts JSON, of errors too."""
    as_json = getattr(args, "json", False)
    with readable_errors(getattr(module, "INTERRUPTED", "interrupted")):
        try:
            with console(quiet=args.quiet, json=as_json):
                check_there(args, getattr(module, "READS", ()))
                check_models(args, getattr(module, "MODELS", ()))
                import_plugins(args.plugin_modules or ())
                result = module.run(args)
        except ValueError as error:
            if as_json:
                common.print_json({"error": str(error), **getattr(error, "results", {})})
            raise
        if as_json and (not hasattr(args, "launcher") or common.process_part()[0] == 0):
            common.print_json(result)
        if hasattr(module, "failed") and module.failed(result):
            sys.exit(1)


def _parse_all(arguments: Sequence[str] | None) -> Any:
    parser = Parser(prog="cfmrestore", description="Restore images, and train what restores them.")
    parser.add_argument("--version", action="version", version=f"cfmrestore {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name in COMMANDS:
        module = _module(name)
        summary = (module.__doc__ or "").partition("\n")[0]
        _add_arguments(module, commands.add_parser(name, help=summary, description=module.__doc__))
    return parser.parse_args(arguments)


def build_parser(name: str) -> Parser:
    """The arguments of one command alone."""
    module = _module(name)
    parser = Parser(description=module.__doc__)
    _add_arguments(module, parser)
    return parser


def _add_arguments(module: ModuleType, parser: Parser) -> None:
    """Those of the command, and those of all; a command that returns what scripts may want says so by ``JSON``."""
    parser.keys = getattr(module, "KEYS", {})
    module.add_arguments(parser)
    common.add_plugin_flag(parser)
    common.add_output_flags(parser, json=getattr(module, "JSON", False))


def _module(name: str) -> ModuleType:
    return import_module(f"cfmrestore.cli.{name.replace('-', '_')}")
