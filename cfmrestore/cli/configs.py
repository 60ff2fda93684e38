"""List the configs that come with the package: what each trains.

A name is taken by train, test and print-config, and as a base of a config of your own.
"""

import argparse
from typing import Any

JSON = True


def add_arguments(parser: argparse.ArgumentParser) -> None:
    del parser


def run(args: argparse.Namespace) -> Any:
    del args
    from cfmrestore.configs_folder import recipes

    found = recipes()
    width = max(map(len, found))
    for name, what in found.items():
        print(f"{name:{width}}  {what}")
    return found
