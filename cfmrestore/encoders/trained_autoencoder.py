"""Encoder of an autoencoder that ``tools/train.py`` trained here."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from cfmrestore.encoders.base import Encoder
from cfmrestore.encoders.conv_autoencoder import ConvAutoencoder
from cfmrestore.hub import check_sha256, check_weights, read_meta, read_weights
from cfmrestore.ops.rng import ImageRng
from cfmrestore.registry import ENCODERS
from cfmrestore.typing import Image, Latent

PREFIX = "autoencoder."
MEAN, SQUARE = "latent_mean", "latent_square"
"""Names of the mean and the mean square of raw latents among the weights."""


@ENCODERS.register_module()
class TrainedAutoencoder(Encoder):
    r"""The space of an ``Autoencoder`` (``configs/autoencoder``), standardized by what its training measured.

    With mean m and mean square q of the raw latents of the training, :math:`z = (E(x) - m) / \sqrt{q - m^2}`.

    Args:
        path: The work directory of a training, for its newest checkpoint, or a ``.safetensors`` file of it.
        posterior: Of a variational one "mode" takes the mean; "sample" draws, and needs a generator.
        sha256: Checksum of the file.
    """

    def __init__(self, *, path: str, posterior: Literal["mode", "sample"] = "mode", sha256: str | None = None) -> None:
        super().__init__()
        file = _find(Path(path).expanduser())
        if sha256 is not None:
            check_sha256(file, sha256)
        weights = read_weights(file)
        self.network = _network(read_meta(file).get("model"), weights, file)
        if posterior not in ("mode", "sample") or (posterior == "sample" and not self.network.variational):
            raise ValueError(
                f"posterior is 'mode', or of a variational autoencoder 'sample'; got {posterior!r} for {file}"
            )
        self.posterior, self.draws = posterior, posterior == "sample"
        mean, square = float(weights[MEAN]), float(weights[SQUARE])
        if not square > mean**2:
            raise ValueError(f"{file}: its latents do not vary (mean {mean:g}, mean square {square:g}): train longer")
        self.shift, self.scale = mean, (square - mean**2) ** -0.5
        self.channels, self.downscale, self.reach = self.network.channels, self.network.downscale, self.network.reach
        self.freeze()

    def moments(self, image: Image) -> Tensor:
        return self.network.encode(image)

    def sample(self, moments: Tensor, rng: ImageRng | None = None) -> Latent:
        mean, log_variance = self.network.split(moments)
        if log_variance is None or self.posterior == "mode":
            return super().sample(mean)
        if rng is None:
            raise ValueError("TrainedAutoencoder with posterior='sample' needs an rng; or set posterior='mode'")
        return super().sample(mean + (log_variance / 2).exp() * rng.normal(*mean.shape[1:]).to(mean))

    def decode(self, latent: Latent) -> Image:
        return self.network.decode(self.raw(latent))

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, posterior={self.posterior}"


def _find(path: Path) -> Path:
    """The weights in a work directory, or the file itself."""
    if path.is_dir():
        pointer = path / "last_checkpoint"
        if not pointer.is_file():
            raise ValueError(
                f"{str(path)!r} holds no training of an autoencoder: it has no file {pointer.name!r}; train one, "
                "configs/autoencoder, or name a .safetensors file"
            )
        path = path / Path(pointer.read_text(encoding="utf-8").strip()).name
    path = path.with_suffix(".safetensors")
    if not path.is_file():
        raise ValueError(f"there are no weights of an autoencoder in {str(path)!r}: train one, configs/autoencoder")
    return path


def _network(model: Any, weights: Mapping[str, Any], file: Path) -> ConvAutoencoder:
    """The network that a file describes, with its weights; no more memory is taken than they have."""
    if not isinstance(model, Mapping) or model.get("type") != "Autoencoder":
        kind = model.get("type") if isinstance(model, Mapping) else model
        raise ValueError(f"{file} is of a {kind}, and no Autoencoder: configs/autoencoder train those")
    own = {name.removeprefix(PREFIX): value for name, value in weights.items() if name.startswith(PREFIX)}
    keys = {key: model[key] for key in ("channels", "widths", "blocks") if key in model}
    layers, stages = keys.get("blocks", 0), keys.get("widths", ())
    if not isinstance(layers, int) or not isinstance(stages, list | tuple) or layers * len(stages) > len(own):
        raise ValueError(f"{file} has not the weights of the autoencoder that it describes: {stages}, {layers} blocks")
    try:
        with torch.device("meta"):
            network = ConvAutoencoder(**keys, variational=model.get("kl") is not None)
    except (TypeError, RuntimeError) as error:
        raise ValueError(f"{file} describes no autoencoder: {error}") from error
    check_weights(own, network.state_dict(), file)
    check_weights(dict(weights), {name: torch.empty(()) for name in (MEAN, SQUARE)}, file)
    network.load_state_dict(own, assign=True)
    return network
