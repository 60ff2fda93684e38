"""CLIP's image encoder, from a folder of transformers."""

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from cfmrestore.features.base import Extractor
from cfmrestore.registry import FEATURES
from cfmrestore.typing import Image

_MEAN, _STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)


@FEATURES.register_module()
class CLIPImageEncoder(Extractor):
    """The projected image embedding of a CLIP: the space of the CLIP-FID, which no classifier of ImageNet has shaped.

    An image is resized to the network's square, 224 pixels of most, bicubically with a filter against aliasing, and
    scaled by CLIP's own mean and deviation. There are no classes.

    References: Radford et al., 2021 (arXiv:2103.00020); Kynkäänniemi et al., 2023 (arXiv:2203.06026).

    Args:
        network: transformers' ``CLIPVisionModelWithProjection``.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        config: Any = network.config
        self.dim, self.side = int(config.projection_dim), int(config.image_size)
        for name, values in (("mean", _MEAN), ("std", _STD)):
            self.register_buffer(name, torch.tensor(values)[:, None, None], persistent=False)
        self.freeze()

    @classmethod
    def load(cls, weights: str | Path | None = None) -> "CLIPImageEncoder":
        """The encoder in a local folder with config.json and safetensors, of a whole CLIP or of its image half."""
        if weights is None or not (Path(weights).expanduser() / "config.json").is_file():
            got = "" if weights is None else f"; got {str(weights)!r}"
            raise ValueError(f"CLIPImageEncoder needs weights: a folder that transformers' save_pretrained wrote{got}")
        if find_spec("transformers") is None:
            raise ValueError("CLIPImageEncoder needs the package transformers: pip install 'cfmrestore[ldm]'")
        folder = str(Path(weights).expanduser())
        model: Any = import_module("transformers").CLIPVisionModelWithProjection
        try:
            network, report = model.from_pretrained(
                folder, local_files_only=True, use_safetensors=True, output_loading_info=True
            )
        except Exception as error:  # transformers and safetensors have no error in common
            raise ValueError(f"the CLIP in {folder!r} cannot be read: {str(error).splitlines()[0]}") from error
        if lacking := sorted(report["missing_keys"]):
            raise ValueError(f"the CLIP in {folder!r} is not whole: it lacks {lacking[0]}")
        return cls(network.float())

    def forward(self, image: Image) -> Float[Tensor, "b d"]:
        size = (self.side, self.side)
        x = F.interpolate(image, size=size, mode="bicubic", align_corners=False, antialias=True)
        features: Tensor = self.network(pixel_values=(x - self.mean) / self.std).image_embeds
        return features
