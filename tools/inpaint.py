#!/usr/bin/env python
"""``cfmrestore inpaint`` as a script."""

from cfmrestore.cli.main import tool

if __name__ == "__main__":
    tool("inpaint")
