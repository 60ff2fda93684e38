"""Hold a plugin to the contract of its kind: a line a check, with what is broken and the mend.

Ends with a code other than 0 where a promise is broken. Plugins of your own: --plugin MODULE, or an installed package.
"""

import argparse
import json
from collections.abc import Sequence
from typing import Any

from cfmrestore.cli import common


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="under which it is registered: its class name")
    kind = "encoder, degradation, solver, ...: where a name stands in two registries"
    parser.add_argument("--kind", help=kind)
    help_ = 'keys of its constructor; lists and dicts as JSON: steps=\'[{"type": "Clip"}]\''
    common.add_key_values(parser, "--option", help=help_)


def run(args: argparse.Namespace) -> None:
    import sys

    from cfmrestore.apis.check_plugin import check_plugin

    if not check_plugin(args.name, kind=args.kind, options=_options(args.option)):
        sys.exit(1)


def _options(pairs: Sequence[str] | None) -> dict[str, Any] | None:
    """Keys and values, those in JSON's brackets read as such."""
    if pairs is None:
        return None
    read: dict[str, Any] = {}
    for pair in pairs:
        key, _, value = pair.partition("=")
        try:
            read[key] = json.loads(value) if value[:1] in ("[", "{") else (common.parse_options([pair]) or {})[key]
        except json.JSONDecodeError:
            read |= common.parse_options([pair]) or {}
    return read
