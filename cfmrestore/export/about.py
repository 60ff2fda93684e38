"""What is said of a model in the files of other programs."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cfmrestore import model_zoo
from cfmrestore._version import __version__
from cfmrestore.execution.graph import Graph
from cfmrestore.export.image_graph import restore_share
from cfmrestore.flows.coupling_flow import CouplingFlow
from cfmrestore.flows.sampling import Sampling
from cfmrestore.hub import file_digest, read_meta
from cfmrestore.restore.published import CONFIG, read_config

_SPDX = {
    name.lower(): name
    for name in ("Apache-2.0", "MIT", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "CC-BY-4.0", "CC-BY-SA-4.0",
                 "CC-BY-NC-4.0", "CC-BY-NC-SA-4.0", "GPL-3.0", "LGPL-3.0", "AGPL-3.0", "MPL-2.0")
}  # fmt: skip


@dataclass(frozen=True)
class About:
    """A model, and how a file of it restores.

    Args:
        name: Of the model.
        card: What its publisher says of it.
        sha256: Of its weights.
        flow: What it is.
        sampling: How the file restores.
    """

    name: str
    card: Mapping[str, Any]
    sha256: str
    flow: CouplingFlow
    sampling: Sampling

    @classmethod
    def of(cls, file: Path, flow: CouplingFlow, sampling: Sampling, said: Mapping[str, str | None]) -> "About":
        """From the file of the weights, the card beside it, and what is said in place of that."""
        meta = read_meta(file) if file.suffix == ".safetensors" else {}
        name = str(meta.get("name", file.stem))
        card = _card_of(file) | {key: value for key, value in said.items() if value is not None}
        return cls(name, card, file_digest(file, digits=64), flow, sampling)

    @property
    def scale(self) -> int:
        return self.flow.coupling.scale

    @property
    def architecture(self) -> str:
        return f"{type(self.flow).__name__}-{type(self.flow.network).__name__}"

    @property
    def spdx(self) -> str | None:
        """The license by its SPDX identifier, if the card begins with one that is known."""
        first = str(self.card.get("license", "")).partition(";")[0].strip().lower().replace(" ", "-")
        return _SPDX.get(first)

    def metadata(self, kind: str, graph: Graph) -> dict[str, str]:
        """Texts by key, for the metadata of a file with a graph: of the kind "image", or which part."""
        said = {
            "name": self.name,
            "what": self.card.get("what"),
            "author": self.card.get("author"),
            "license": self.card.get("license"),
            "weights_sha256": self.sha256,
            "architecture": self.architecture,
            "graph": kind,
            "inputs": ", ".join(graph.inputs),
            "output": graph.output,
            "scale": self.scale,
            "nfe": self.flow.nfe(self.sampling),
            "fidelity": f"{self.sampling.fidelity:g}",
            "color": self.sampling.color,
            "images": "RGB in [0, 1], NCHW",
            "generator": f"cfmrestore {__version__}",
        }
        if kind != "image":
            said["sampling"] = json.dumps(self._sampling())
        return {key: str(value) for key, value in said.items() if value is not None}

    def _sampling(self) -> dict[str, Any]:
        """Times at which a solver outside stops, and the numbers with which it starts where two say the law."""
        share, sampling = restore_share(self.flow.coupling), self.sampling
        law = {} if share is None else {"mean": share**0.5, "std": (1 - share) ** 0.5 * sampling.noise}
        return {
            "solver": type(sampling.solver).__name__,
            "times": sampling.grid(sampling.num_intervals).tolist(),
            **law,
            "noise_contrast_limit": sampling.noise_contrast_limit,
        }


def _card_of(file: Path) -> dict[str, Any]:
    if file.parent == model_zoo.FOLDER:
        return {"author": "cfmrestore", **model_zoo.cards().get(file.stem, {})}
    return read_config(file.parent, str(file.parent)) if (file.parent / CONFIG).is_file() else {}
