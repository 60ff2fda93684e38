"""Packages that are no part of every installation."""

from importlib import import_module
from types import ModuleType


def needed(package: str, *, by: str, extra: str) -> ModuleType:
    """The package that something needs; where it is missing one ValueError names the extra that brings it."""
    try:
        return import_module(package)
    except ImportError as error:
        raise ValueError(f"{by} needs the package {package}: pip install 'cfmrestore[{extra}]'") from error
