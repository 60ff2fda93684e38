"""List the models that come with the package: their use, their size, and what they reach."""

import argparse
from typing import Any

JSON = True


def add_arguments(parser: argparse.ArgumentParser) -> None:
    del parser


def run(args: argparse.Namespace) -> Any:
    del args
    from cfmrestore.apis.models import models, table

    rows = models()
    print(table(rows).rstrip())
    return rows
