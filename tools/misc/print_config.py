#!/usr/bin/env python
"""``cfmrestore print-config`` as a script."""

from cfmrestore.cli.main import tool

if __name__ == "__main__":
    tool("print-config")
