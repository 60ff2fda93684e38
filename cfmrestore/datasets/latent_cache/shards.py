"""Shards of a cache of latents: safetensors with the moments of some entries of one size, read entry by entry."""

import hashlib
import json
import mmap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

SUFFIX = ".safetensors"
INDEX = "index.json"
INFO = "info"
FORMAT = 1
HIGH, LOW, LIFTED, LABEL = "high_moments", "low_moments", "lifted_moments", "label"
PARTS = (HIGH, LOW, LIFTED, LABEL)
_DTYPES: dict[str, tuple[Any, torch.dtype]] = {
    "F32": (np.float32, torch.float32),
    "F16": (np.float16, torch.float16),
    "BF16": (np.int16, torch.bfloat16),  # numpy has none: the bytes pass as they are
    "I64": (np.int64, torch.int64),
}


@dataclass(frozen=True)
class ShardInfo:
    """What the header of a shard says.

    Args:
        digest: Of the recipe of the whole cache: encoder, preprocessing and degradation.
        version: Which crop and degradation of each image it holds.
        images: Names of the images, in order.
        size: Height and width of the targets, in pixels.
    """

    digest: str
    version: int
    images: tuple[str, ...]
    size: tuple[int, int]


@dataclass(frozen=True)
class ShardEntry:
    """A line of the index: a file, of which version, of which size, and how many entries it has."""

    file: str
    version: int
    size: tuple[int, int]
    count: int


@dataclass(frozen=True)
class CacheIndex:
    """What a whole cache holds.

    Args:
        recipe: What made it: "flow" (encoder, coupling, degradation), "data" (images, transforms, seed) and the rest.
        versions: Crops of an image times degradations of a crop.
        shards: Its files.
    """

    recipe: Mapping[str, Any]
    versions: int
    shards: tuple[ShardEntry, ...]

    @property
    def digest(self) -> str:
        """Of the recipe."""
        return digest_of(self.recipe)

    def text(self) -> str:
        """The file of the index, the same bytes whoever writes it."""
        content = {"format": FORMAT, "digest": self.digest, "recipe": self.recipe, "versions": self.versions}
        return json.dumps({**content, "shards": [asdict(one) for one in self.shards]}, indent=1, sort_keys=True) + "\n"


def digest_of(recipe: Mapping[str, Any]) -> str:
    """A fingerprint of plain data."""
    return hashlib.sha256(json.dumps(recipe, sort_keys=True).encode()).hexdigest()[:16]


def read_index(folder: str | Path) -> CacheIndex:
    """The index of a cache that is whole; one clear error where it is none."""
    path = Path(folder) / INDEX
    if not path.is_file():
        raise ValueError(
            f"there is no whole cache of latents in {str(folder)!r}: 'cfmrestore cache CONFIG --out {folder}' writes "
            "one, and goes on where it stopped"
        )
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        shards = tuple(ShardEntry(**{**one, "size": tuple(one["size"])}) for one in content["shards"])
        index, known = CacheIndex(content["recipe"], content["versions"], shards), content["format"]
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is damaged ({error}): remove it, and run 'cfmrestore cache' again") from error
    if known != FORMAT or content.get("digest") != index.digest:
        raise ValueError(f"{path} is of another version of the format, or was changed: write the cache again")
    return index


def pack_shard(tensors: Mapping[str, Tensor], info: ShardInfo) -> bytes:
    """The bytes of a shard, whose tensors have an entry a row."""
    from safetensors.torch import save

    if not {HIGH} <= tensors.keys() <= {*PARTS} or {len(one) for one in tensors.values()} != {len(info.images)}:
        shapes = {name: tuple(one.shape) for name, one in tensors.items()}
        raise ValueError(f"a shard of {len(info.images)} entries holds {HIGH} and of {', '.join(PARTS)}; got {shapes}")
    rows = {name: one.detach().cpu().contiguous() for name, one in tensors.items()}
    return save(rows, {INFO: json.dumps(asdict(info), ensure_ascii=False, sort_keys=True)})


class Shard:
    """An open shard: its header in memory, its tensors mapped.

    A safetensors file is eight bytes with the length n of the header, n bytes of JSON with type, shape and place of
    every tensor, and the tensors row by row; so an entry is a slice of the file.

    Args:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            with path.open("rb") as file:
                self._bytes = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            length = int.from_bytes(self._bytes[:8], "little")
            self._begin = 8 + length
            header = json.loads(self._bytes[8 : self._begin])
            info = json.loads(header.pop("__metadata__")[INFO])
            self.info = ShardInfo(info["digest"], info["version"], tuple(info["images"]), tuple(info["size"]))
            self.tensors = {name: self._checked(one) for name, one in header.items()}
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{str(path)!r} is no shard of latents, or is cut off: {error}") from error

    def _checked(self, tensor: Mapping[str, Any]) -> tuple[str, Sequence[int], int]:
        """Type, shape of a row and place of a tensor that lies within the file."""
        (begin, end), shape, kind = tensor["data_offsets"], tensor["shape"], tensor["dtype"]
        size = np.dtype(_DTYPES[kind][0]).itemsize * int(np.prod(shape))
        if shape[0] != len(self.info.images) or end - begin != size or self._begin + end > len(self._bytes):
            raise ValueError(f"a tensor of {shape} does not lie in bytes {begin} to {end}")
        return kind, shape[1:], self._begin + begin

    def __len__(self) -> int:
        return len(self.info.images)

    def row(self, number: int, names: Iterable[str] | None = None) -> dict[str, Tensor]:
        """A copy of one entry, of all its tensors or of some."""
        found = {}
        for name in self.tensors if names is None else names:
            kind, shape, begin = self.tensors[name]
            numpy_type, torch_type = _DTYPES[kind]
            count = int(np.prod(shape))
            offset = begin + number * count * np.dtype(numpy_type).itemsize
            values = np.frombuffer(self._bytes, numpy_type, count, offset).reshape(shape).copy()
            found[name] = torch.from_numpy(values).view(torch_type)
        return found

    def close(self) -> None:
        """Give the mapping back; rows that were read are copies."""
        self._bytes.close()
