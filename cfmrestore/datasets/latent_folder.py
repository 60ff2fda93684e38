"""Dataset of latents as targets: of generated images, of which no picture was ever stored."""

from pathlib import Path

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
        seed, on_error: As of ``ImageDataset``.
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
        root, self.crop = Path(data_root), crop
        self.samples = [(path.relative_to(root).as_posix(), {"latent": path}) for path in list_latents(root)]
        self.metainfo = {"encoder": self._check(data_root, encoder)}

    def _check(self, root: str, encoder: str | None) -> str:
        """The digest of the one space in which all files lie; their sizes must go into one batch."""
        first: dict[str, tuple[str, object]] = {}
        for name, files in self.samples:
            (channels, height, width), info = read_header(files["latent"])
            if self.crop is not None and min(height, width) < self.crop:
                raise ValueError(f"{name}: {height}x{width} is smaller than the crop of {self.crop}")
            if encoder is not None and info.encoder != encoder:
                raise ValueError(f"{name} is of the encoder {info.encoder}, not of {encoder}")
            size = {} if self.crop is not None else {"size": f"{height}x{width}"}
            space = {"encoder": info.encoder, "number of channels": channels, **size}
            for what, value in space.items():
                other, expected = first.setdefault(what, (name, value))
                if value != expected:
                    mend = ": give a crop" if what == "size" else ": keep them in folders of their own"
                    raise ValueError(
                        f"{root!r} mixes latents: the {what} of {other} is {expected}, that of {name} {value}{mend}"
                    )
        return str(first["encoder"][1])

    def inputs(self, index: int, seed: int) -> dict[str, Tensor]:
        latent, _ = read_latent(self.files(index)["latent"])
        if not bool(latent.isfinite().all()):
            raise ValueError("the latent holds numbers that are not finite")
        if self.crop is not None:
            rng, side = np.random.default_rng(mix(seed, 0)), self.crop
            top, left = (int(rng.integers(n - side + 1)) for n in latent.shape[-2:])
            latent = latent[:, top : top + side, left : left + side].clone()
        return {"latent": latent}
