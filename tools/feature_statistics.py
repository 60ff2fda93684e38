#!/usr/bin/env python
"""``cfmrestore feature-statistics`` as a script."""

from cfmrestore.cli.main import tool

if __name__ == "__main__":
    tool("feature-statistics")
