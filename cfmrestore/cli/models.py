"""List the models that come with the package: their use, their size, and what they reach."""

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print the list as JSON")


def run(args: argparse.Namespace) -> None:
    import json

    from cfmrestore.apis.models import models, table

    rows = models()
    print(json.dumps(rows, indent=1) if args.json else table(rows).rstrip())
