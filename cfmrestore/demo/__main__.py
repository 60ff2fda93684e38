"""Start the web page: ``python -m cfmrestore.demo`` is ``cfmrestore demo``."""

import argparse

from cfmrestore.demo import command
from cfmrestore.process import prepare_process, readable_errors


def main() -> None:
    """Run the command with the arguments of the process."""
    prepare_process()
    parser = argparse.ArgumentParser(prog="python -m cfmrestore.demo", description=command.__doc__)
    command.add_arguments(parser)
    args = parser.parse_args()
    with readable_errors():
        command.run(args)


if __name__ == "__main__":
    main()
