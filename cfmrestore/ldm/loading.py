"""Pipelines of diffusers on disk or on the hub: read as data, whole or not at all."""

import json
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import nn

from cfmrestore._compat import patch_torchvision
from cfmrestore.repository import named_repository

INDEX = "model_index.json"
_SAFE = {"use_safetensors": True, "trust_remote_code": False}
_SAFETY = ("safety_checker", "feature_extractor", "image_encoder")  # look at pictures, of which there are none


def find_folder(place: str) -> Path:
    """The local folder of a pipeline, downloaded only where there is no such path."""
    path = Path(place).expanduser()
    if path.is_dir():
        return path
    repository = None if path.exists() else named_repository(place)
    if repository is None:
        what = f"name a folder with {INDEX} that save_pretrained wrote, or a hub id"
        raise ValueError(f"{place!r} is no pipeline: {what}")
    try:
        return Path(_diffusers().DiffusionPipeline.download(repository.id, revision=repository.revision, **_SAFE))
    except Exception as error:
        raise ValueError(f"{place!r}: no such folder here, and the hub does not give it: {_line(error)}") from error


def read_pipeline(folder: Path, dtype: torch.dtype) -> Any:
    """The pipeline in a folder, whole or not at all."""
    index = _read_index(folder)
    # What was left out when it was saved, and what is left out here.
    absent = {key: None for key, part in index.items() if part == [None, None] or key in _SAFETY}
    names = [path.name for path in folder.glob("*/*.safetensors")]
    variant = {"variant": "fp16"} if names and all(".fp16." in name for name in names) else {}
    try:
        with _loading_report() as report, warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # newer versions call it dtype, older ones know torch_dtype
            pipeline = _diffusers().DiffusionPipeline.from_pretrained(
                str(folder), torch_dtype=dtype, local_files_only=True, **_SAFE, **absent, **variant
            )
    except Exception as error:  # diffusers, transformers and safetensors have no error in common
        raise ValueError(f"the pipeline in {str(folder)!r} cannot be read: {_line(error)}") from error
    for key, module in pipeline.components.items():
        if isinstance(module, nn.Module) and (missing := [n for n, p in module.named_parameters() if p.is_meta]):
            report.append(f"{key} lacks {missing[0]}")
    if report:
        raise ValueError(f"the pipeline in {str(folder)!r} is not whole: {report[0]}")
    return pipeline


def _read_index(folder: Path) -> dict[str, Any]:
    """What a pipeline is made of; only classes of diffusers and transformers are built."""
    file = folder / INDEX
    try:
        index = json.loads(file.read_text(encoding="utf-8"))
        kind = index["_class_name"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{str(folder)!r} is no pipeline, its {INDEX} cannot be read: {_line(error)}") from error
    diffusers = _diffusers()
    if not isinstance(kind, str) or not hasattr(diffusers, kind):
        version = diffusers.__version__
        raise ValueError(f"{file}: diffusers {version} has no pipeline {kind!r}, and no other code is run")
    for key, part in index.items():
        library = part[0] if isinstance(part, list) and len(part) == 2 and isinstance(part[0], str) else "diffusers"
        if library not in ("diffusers", "transformers") and not hasattr(diffusers.pipelines, library):
            raise ValueError(f"{file}: {key} comes from {library!r}; only diffusers and transformers are built")
    return index


def _diffusers() -> Any:
    if find_spec("transformers") is None:
        raise ValueError("pipelines need the package transformers: pip install 'cfmrestore[ldm]'")
    patch_torchvision()
    import diffusers

    return diffusers


@contextmanager
def _loading_report() -> Iterator[list[str]]:
    """Collect what transformers says of weights that a file lacks, which it fills with random numbers."""
    report: list[str] = []

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if "newly initialized" in record.getMessage():
                report.append("transformers found weights missing in it: " + _line(record.getMessage()))

    logger, listener = logging.getLogger("transformers"), Listener()
    level = logger.level
    logger.setLevel(min(level or logging.WARNING, logging.WARNING))
    logger.addHandler(listener)
    try:
        yield report
    finally:
        logger.removeHandler(listener)
        logger.setLevel(level)


def _line(error: object) -> str:
    return " ".join(str(error).split()) or type(error).__name__
