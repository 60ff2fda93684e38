"""Open a web page to try a model."""

from cfmrestore.demo import add_arguments, run

__all__ = ["add_arguments", "run"]
