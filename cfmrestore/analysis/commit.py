"""Which code measured."""

import subprocess
from pathlib import Path

import cfmrestore
from cfmrestore import __version__


def commit_of_checkout() -> str:
    """The commit of the checkout that runs, with a mark where files differ from it; without one the version."""
    package = Path(cfmrestore.__file__).parent
    if _git(package, "rev-parse", "--show-toplevel") != str(package.parent.resolve()):  # another repository's, or none
        return __version__
    return _git(package, "describe", "--always", "--dirty") or __version__


def _git(folder: Path, *words: str) -> str:
    command = ["git", "-C", str(folder), *words]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    except OSError:  # no git here
        return ""
