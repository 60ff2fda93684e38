"""Standardized latents as files: safetensors with one tensor, and what made it as JSON."""

import json
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from torch import Tensor

from cfmrestore.imageio import check_folder

SUFFIX = ".safetensors"
KEY = "latent"
INFO = "info"


@dataclass(frozen=True)
class LatentInfo:
    """What is known of a latent.

    Args:
        encoder: Digest of the encoder in whose space it lies.
        prompt: From which text it was made.
        seed: From which seed.
        pipeline: By what.
        settings: All else that made it.
    """

    encoder: str
    prompt: str = ""
    seed: int = 0
    pipeline: str = ""
    settings: dict[str, Any] = field(default_factory=dict)


def pack(latent: Tensor, info: LatentInfo) -> bytes:
    """The bytes of a file that holds one latent, (c, h, w), in float32."""
    from safetensors.torch import save

    if latent.dim() != 3:
        raise ValueError(f"a file holds one latent of channels, height and width; got {tuple(latent.shape)}")
    tensor = latent.detach().float().cpu().contiguous()
    return save({KEY: tensor}, metadata={INFO: json.dumps(asdict(info), ensure_ascii=False, sort_keys=True)})


def list_latents(root: str | Path) -> list[Path]:
    """All latent files below a folder, sorted by their path; one clear error where there are none."""
    root = Path(root)
    check_folder(root, "latents")
    paths = sorted(p for p in root.rglob(f"*{SUFFIX}") if p.is_file() and not p.name.startswith("."))
    if not paths:
        raise ValueError(f"the folder {str(root)!r} holds no latents ({SUFFIX}); tools/boost.py --save-latents does")
    return paths


def read_latent(path: str | Path) -> tuple[Tensor, LatentInfo]:
    """A latent and what is known of it."""
    with _opened(path) as file:
        return file.get_tensor(KEY), _info(path, file.metadata())


def read_header(path: str | Path) -> tuple[tuple[int, int, int], LatentInfo]:
    """The shape of a latent and what is known of it, without the latent."""
    with _opened(path) as file:
        channels, height, width = file.get_slice(KEY).get_shape()
        return (channels, height, width), _info(path, file.metadata())


def _opened(path: str | Path) -> Any:
    """The file, open, with one latent in it."""
    from safetensors import SafetensorError, safe_open

    try:
        file = safe_open(path, framework="pt")
        part = file.get_slice(KEY) if list(file.keys()) == [KEY] else None
    except (SafetensorError, OSError) as error:
        raise ValueError(f"cannot read {str(path)!r}: {error}") from error
    if part is None or part.get_dtype() != "F32" or len(part.get_shape()) != 3:
        raise ValueError(
            f"{str(path)!r} is no latent: it needs one tensor {KEY!r}, float32 of three axes, and no other"
        )
    return file


def _info(path: str | Path, metadata: dict[str, str] | None) -> LatentInfo:
    try:
        info = json.loads((metadata or {})[INFO])
        known = {field.name for field in fields(LatentInfo)}
        return LatentInfo(**{key: value for key, value in info.items() if key in known})
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise ValueError(
            f"{str(path)!r} does not say in which space its latent lies: its metadata {INFO!r} is to be JSON with "
            "'encoder', an encoder's digest"
        ) from error
