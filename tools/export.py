#!/usr/bin/env python
"""``cfmrestore export`` as a script."""

from cfmrestore.cli.main import main

if __name__ == "__main__":
    main(command="export")
