"""Dataset of a flow's own pairs: starts, and where it led from each."""

from pathlib import Path
from typing import Any

from torch import Tensor

from cfmrestore.datasets.base import ImageDataset
from cfmrestore.datasets.pair_files import END, START, SUFFIX, info_of, open_pairs
from cfmrestore.datasets.recent import Recent
from cfmrestore.registry import DATASETS

_OPEN = 64  # files at once


@DATASETS.register_module()
class FlowPairs(ImageDataset):
    r"""Pairs :math:`(x_0, x_1)` of a trained flow, as ``cfmrestore pairs`` writes them.

    On them ``MSE`` is reflow: of the paths between a start and where the flow leads from it no two cross on average, so
    that the flow that is learned is straighter, and as good at few steps as it is straight. ``inputs`` of a sample
    holds "start" and "latent", and what there is of "low", "label" and "mask".

    Reference: Liu et al., 2022, section 2.2 (arXiv:2209.03003).

    Args:
        data_root: The folder.
        encoder: The digest of the encoder that they must be of; without, any, as long as it is the same for all.
        seed, on_error: As of ``ImageDataset``.
    """

    def __init__(self, *, data_root: str, encoder: str | None = None, seed: int = 0, on_error: str = "raise") -> None:
        super().__init__(seed=seed, on_error=on_error)
        root = Path(data_root)
        paths = sorted(path for path in root.glob(f"*{SUFFIX}") if not path.name.startswith("."))
        if not paths:
            raise ValueError(f"there are no pairs in {str(root)!r}: 'cfmrestore pairs MODEL --out {root}' writes them")
        self.rows: list[tuple[Path, int]] = []
        kinds: dict[tuple[Any, ...], Path] = {}
        for path in paths:
            file = open_pairs(path)
            shapes = {name: file.get_slice(name).get_shape() for name in file.keys()}  # noqa: SIM118
            self.rows += [(path, row) for row in range(shapes[START][0])]
            digest = info_of(file, path).encoder
            if encoder is not None and digest != encoder:
                raise ValueError(f"{path} is of the encoder {digest}, not of {encoder}")
            kinds.setdefault((digest, *sorted((name, *shape[1:]) for name, shape in shapes.items())), path)
        if len(kinds) > 1:
            first, second = list(kinds.values())[:2]
            raise ValueError(f"{first} and {second.name} hold pairs of different flows or sizes: one folder for each")
        self.metainfo = {"encoder": next(iter(kinds))[0]}
        self._open = Recent(open_pairs, _OPEN)

    def __len__(self) -> int:
        return len(self.rows)

    def name(self, index: int) -> str:
        path, row = self.rows[index]
        return f"{path.stem}:{row}"

    def inputs(self, index: int, seed: int) -> dict[str, Tensor]:
        del seed
        path, row = self.rows[index]
        file = self._open(path)
        sample: dict[str, Tensor] = {name: file.get_slice(name)[row] for name in file.keys()}  # noqa: SIM118
        if not all(bool(sample[name].isfinite().all()) for name in (START, END)):
            raise ValueError("the pair holds numbers that are not finite")
        return sample
