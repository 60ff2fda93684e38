"""Dataset of latents as targets: of generated images, of which no picture was ever stored."""

from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from cfmrestore.datasets.base import ImageDataset
from cfmrestore.datasets.latent_files import list_latents, read_header, read_latent
from cfmrestore.ops.rng import mix
from cfmrestore.registry import DATASETS


@DATASETS.register_module()
class LatentFolder(ImageDataset):
    """All latents below a folder, as ``tools/boost.py --save-latents`` writes them; the flow decodes and degrades them.

    They must be of the flow's own encoder: its digest is in ``metainfo["encoder"]``.

    Args:
        data_root: The folder.
        crop: Side of a random square, in latent samples; without, the latents are whole and of one size.
        encoder: The digest that they must have; without, any, as long as it is the same for all.
        seed: The run's seed; the runner gives it.
        on_error: "raise" or "skip" a file that became unreadable.
    """

    def __init__(
        self,
        *,
        data_root: str,
        crop: int | None = None,
        encoder: str | None = None,
        seed: int = 0,
        on_error: str = "raise",
    ) -> None:
        super().__init__(seed=seed, on_error=on_error)
        if crop is not None and crop < 1:
            raise ValueError(f"crop is a number of latent samples, 1 or more; got {crop}")
        self.root, self.crop = Path(data_root), crop
        self.paths = list_latents(self.root)
        self.metainfo = {"encoder": self._check(encoder)}

    def _check(self, encoder: str | None) -> str:
        """The digest of the one space in which all files lie; their sizes must go into one batch."""
        first: tuple[str, dict[str, Any]] | None = None
        for index, path in enumerate(self.paths):
            (channels, height, width), info = read_header(path)
            if self.crop is not None and min(height, width) < self.crop:
                raise ValueError(f"{self.name(index)}: {height}x{width} is smaller than the crop of {self.crop}")
            if encoder is not None and info.encoder != encoder:
                raise ValueError(f"{self.name(index)} is of the encoder {info.encoder}, not of {encoder}")
            size = {} if self.crop is not None else {"size": f"{height}x{width}"}
            space = {"encoder": info.encoder, "number of channels": channels, **size}
            first = first or (self.name(index), space)
            for what, value in space.items():
                if value != first[1][what]:
                    mend = ": give a crop" if what == "size" else ": keep them in folders of their own"
                    raise ValueError(
                        f"{str(self.root)!r} mixes latents: the {what} of {first[0]} is {first[1][what]}, that of "
                        f"{self.name(index)} {value}{mend}"
                    )
        assert first is not None
        return str(first[1]["encoder"])

    def __len__(self) -> int:
        return len(self.paths)

    def name(self, index: int) -> str:
        return self.paths[index].relative_to(self.root).as_posix()

    def files(self, index: int) -> dict[str, Path]:
        return {"latent": self.paths[index]}

    def inputs(self, index: int, seed: int) -> dict[str, Tensor]:
        latent, _ = read_latent(self.paths[index])
        if not bool(latent.isfinite().all()):
            raise ValueError("the latent holds numbers that are not finite")
        return {"latent": self._cut(latent, mix(seed, 0))}

    def _cut(self, latent: Tensor, seed: int) -> Tensor:
        """The square that the seed draws."""
        if self.crop is None:
            return latent
        rng, side = np.random.default_rng(seed), self.crop
        top, left = (int(rng.integers(n - side + 1)) for n in latent.shape[-2:])
        return latent[:, top : top + side, left : left + side].clone()
