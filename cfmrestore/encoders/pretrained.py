"""Autoencoders of diffusers: found in a local folder, a weights file or on the hub, and checked before use."""

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar

from torch import Tensor, nn

from cfmrestore._compat import patch_torchvision
from cfmrestore.encoders.base import Encoder
from cfmrestore.hub import check_sha256
from cfmrestore.repository import MissingFileError, fetch, named_repository
from cfmrestore.typing import Image, Latent

CONFIG = "config.json"
WEIGHTS = ("diffusion_pytorch_model.safetensors", "diffusion_pytorch_model.bin")


class PretrainedEncoder(Encoder):
    r"""A diffusers autoencoder behind images in [0, 1] and latents standardized by its own config.

    .. math::
        z = (E(2 x - 1) - \text{shift}) \cdot \text{scale}, \qquad x = (D(z / \text{scale} + \text{shift}) + 1) / 2

    Args:
        path: A folder with config.json and weights, a ``.safetensors`` file beside its config.json, or a hub id
            ``org/name``, used only where no such local path exists.
        mirrors: Further places, tried in this order when the first one fails.
        sha256: Checksum of the weights file.
        subfolder: Where in a folder or a hub repository the model lies; "vae" in that of a pipeline.
        scale: Instead of the scaling_factor of the config.
        shift: Instead of the shift_factor of the config.
    """

    diffusers_class: ClassVar[str]
    model: Any

    def __init__(
        self,
        *,
        path: str,
        mirrors: Sequence[str] = (),
        sha256: str | None = None,
        subfolder: str | None = None,
        scale: float | None = None,
        shift: float | None = None,
    ) -> None:
        super().__init__()
        self.model = load(self.diffusers_class, (path, *mirrors), sha256=sha256, subfolder=subfolder)
        config = self.model.config
        self.channels = config.latent_channels
        self.downscale = self.find_downscale()
        self.scale = float(config.scaling_factor if scale is None else scale)
        # Not every class has a shift, and null in a config means none.
        self.shift = float((config.get("shift_factor") or 0.0) if shift is None else shift)
        self.freeze()

    def find_downscale(self) -> int:
        """Pixels a latent sample, read from the model."""
        raise NotImplementedError

    def moments(self, image: Image) -> Tensor:
        return self.model.encode(2 * image - 1, return_dict=False)[0]

    def decode(self, latent: Latent) -> Image:
        return (self.model.decode(self.raw(latent), return_dict=False)[0] + 1) / 2


def load(kind: str, places: Sequence[str], *, sha256: str | None = None, subfolder: str | None = None) -> nn.Module:
    """A model of the diffusers class ``kind`` from the first place that has it; else what is wrong with each."""
    patch_torchvision()
    cls = getattr(import_module("diffusers"), kind)
    failures = []
    for place in places:
        try:
            return load_from(cls, place, sha256=sha256, subfolder=subfolder)
        except Exception as error:  # diffusers, safetensors and the hub have no error in common
            failures.append(f"{place}: {' '.join(str(error).split()) or type(error).__name__}")
    raise ValueError("\n  ".join([f"{kind} found no weights:", *failures]))


def load_from(cls: Any, place: str, *, sha256: str | None, subfolder: str | None) -> nn.Module:
    """A model of a diffusers class from one place."""
    path = Path(place).expanduser()
    if not path.exists():
        path = download(place, subfolder)
    weights = path if path.is_file() else find_weights(path / (subfolder or ""))
    if not (weights.parent / CONFIG).is_file():
        raise ValueError(f"{weights.parent} holds no {CONFIG}: put the one of the model beside {weights.name}")
    if sha256 is not None:
        check_sha256(weights, sha256)
    if path.is_file():
        model = read_file(cls, weights)
    else:  # a .bin file is read without running the code that a pickle may hold
        model = cls.from_pretrained(str(weights.parent), use_safetensors=weights.suffix == ".safetensors")
    # A weight that is in the config and not in the file is announced by diffusers, and left without memory.
    if missing := [name for name, parameter in model.named_parameters() if parameter.is_meta]:
        raise ValueError(f"{weights} lacks {len(missing)} weights that its {CONFIG} needs, first {missing[0]}")
    return model


def read_file(cls: Any, weights: Path) -> nn.Module:
    """One file under any name, with the keys of diffusers or of the original code."""
    if weights.suffix != ".safetensors" or not hasattr(cls, "from_single_file"):
        raise ValueError(
            f"{cls.__name__} cannot be read from the file {weights.name}: name a folder that diffusers saved"
        )
    try:
        # Without a config diffusers would guess one by the keys, and fetch it.
        return cls.from_single_file(str(weights), config=str(weights.parent))
    except NotImplementedError as error:  # what torch says to a weight without memory
        raise ValueError(f"{weights} does not hold the weights that its {CONFIG} needs") from error


def find_weights(folder: Path) -> Path:
    """The weights file of a folder, safetensors first."""
    for name in WEIGHTS:
        if (folder / name).is_file():
            return folder / name
    raise ValueError(f"{folder} holds neither {' nor '.join(WEIGHTS)}; is there a subfolder to name?")


def download(place: str, subfolder: str | None) -> Path:
    """The local copy, in the cache of the hub, of what a hub id names."""
    repository = named_repository(place)
    if repository is None:
        raise ValueError(
            f"no such path; expected a folder with {CONFIG} and weights, a .safetensors file beside its {CONFIG}, "
            "or a hub id 'org/name'"
        )
    prefix = f"{subfolder.strip('/')}/" if subfolder else ""
    folder = fetch(repository, prefix + CONFIG)
    for name in WEIGHTS:
        try:
            return fetch(repository._replace(revision=folder.name), prefix + name)
        except MissingFileError as error:
            missing = error
    raise missing
