#!/usr/bin/env python
"""``cfmrestore restore`` as a script."""

from cfmrestore.cli.main import tool

if __name__ == "__main__":
    tool("restore")
