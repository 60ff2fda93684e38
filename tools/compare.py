#!/usr/bin/env python
"""``cfmrestore compare`` as a script."""

from cfmrestore.cli.main import tool

if __name__ == "__main__":
    tool("compare")
