"""The configs that come with the package, named ``cfmrestore::NAME.py``."""

from pathlib import Path

PREFIX = "cfmrestore::"
_PACKAGE = Path(__file__).parent


def configs_folder() -> Path:
    """The configs of the project: ``configs`` in a checkout, ``.mim/configs`` in an installed package (OpenMMLab)."""
    installed = _PACKAGE / ".mim" / "configs"
    return installed if installed.is_dir() else _PACKAGE.parent / "configs"
