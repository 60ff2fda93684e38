"""A config as it is run, printed or written."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmengine.fileio import dump

from cfmrestore.engine.checkpoints import as_data
from cfmrestore.engine.config.load import load_config
from cfmrestore.imageio.atomic import write_text

_FORMATS = {".py": "py", ".json": "json", ".yaml": "yaml", ".yml": "yaml"}


def print_config(
    config: str | Path,
    *,
    options: Mapping[str, Any] | None = None,
    format: str | None = None,
    out: str | Path | None = None,
) -> None:
    """Print or write a config with its bases, options and references resolved.

    Args:
        config: The config file.
        options: Dotted keys of the config and their values.
        format: "py", "json" or "yaml"; by default that of ``out``, or py.
        out: The file to write, in place of printing.
    """
    suffix = Path(out).suffix if out is not None else ".py"
    if format is None and suffix not in _FORMATS:
        raise ValueError(f"{str(out)!r}: a config is written as {', '.join(_FORMATS)}; or give a --format")
    kind = format or _FORMATS[suffix]
    cfg = load_config(config, options)
    if kind == "py":
        text = cfg.pretty_text
    else:
        style = {"indent": 2} if kind == "json" else {"sort_keys": False}
        text = dump(as_data(cfg.to_dict()), file_format=kind, **style).rstrip() + "\n"
    if out is None:
        print(text, end="")
    else:
        write_text(out, text)
