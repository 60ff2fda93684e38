"""Start the web page: ``python -m cfmrestore.demo`` is ``cfmrestore demo``."""

import argparse

from cfmrestore import demo
from cfmrestore.process import prepare_process, readable_errors

if __name__ == "__main__":
    prepare_process()
    parser = argparse.ArgumentParser(prog="python -m cfmrestore.demo", description=demo.__doc__)
    demo.add_arguments(parser)
    args = parser.parse_args()
    with readable_errors():
        demo.run(args)
