"""Say what is installed, what it will run on, and what is missing.

Ends with a code other than 0 where something does not work.
"""

import argparse
from typing import Any

JSON = True


def add_arguments(parser: argparse.ArgumentParser) -> None:
    del parser


def run(args: argparse.Namespace) -> Any:
    del args
    from cfmrestore.apis.doctor import doctor, report

    found = doctor()
    print(report(found))
    return found


def failed(found: Any) -> bool:
    """Whether something does not work."""
    return bool(found["problems"])
