"""The configs that come with the package, named ``cfmrestore::NAME.py``."""

import re
from itertools import takewhile
from pathlib import Path

PREFIX = "cfmrestore::"
_PACKAGE = Path(__file__).parent


def configs_folder() -> Path:
    """The configs of the project: ``configs`` in a checkout, ``.mim/configs`` in an installed package (OpenMMLab)."""
    installed = _PACKAGE / ".mim" / "configs"
    return installed if installed.is_dir() else _PACKAGE.parent / "configs"


def recipes() -> dict[str, str]:
    """What each config does, by its name: those that train, not the parts that they are made of."""
    folder = configs_folder()
    apart = {"_base_", "degradations"}
    files = sorted(file for file in folder.rglob("*.py") if not apart & set(file.relative_to(folder).parts))
    return {f"{PREFIX}{file.relative_to(folder).as_posix()}": first_sentence(file) for file in files}


def first_sentence(path: Path) -> str:
    """Of the comment with which a file begins."""
    lines = takewhile(lambda line: line.startswith("#"), path.read_text(encoding="utf-8").splitlines())
    return re.split(r"(?<!et al)\.(?= |$)", " ".join(line.lstrip("# ") for line in lines))[0]
