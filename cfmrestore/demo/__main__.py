"""Start the web page: ``python -m cfmrestore.demo`` is ``cfmrestore demo``."""

from cfmrestore.cli.main import tool

if __name__ == "__main__":
    tool("demo", prog="python -m cfmrestore.demo")
