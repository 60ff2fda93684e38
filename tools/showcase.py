#!/usr/bin/env python
"""``cfmrestore showcase`` as a script."""

from cfmrestore.cli.main import tool

if __name__ == "__main__":
    tool("showcase")
