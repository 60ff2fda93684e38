"""Say what is installed, what it will run on, and what is missing.

Ends with a code other than 0 where something does not work.
"""

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print it as JSON")


def run(args: argparse.Namespace) -> None:
    import json
    import sys

    from cfmrestore.apis.doctor import doctor, report

    found = doctor()
    print(json.dumps(found, indent=1) if args.json else report(found))
    if found["problems"]:
        sys.exit(1)
