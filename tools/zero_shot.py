#!/usr/bin/env python
"""``cfmrestore zero-shot`` as a script."""

from cfmrestore.cli.main import main

if __name__ == "__main__":
    main(command="zero-shot")
