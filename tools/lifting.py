#!/usr/bin/env python
"""``cfmrestore lifting`` as a script."""

from cfmrestore.cli.main import main

if __name__ == "__main__":
    main(command="lifting")
