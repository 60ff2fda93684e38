"""The unconditional U-Net of diffusers: DDPM's, and its kin."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from cfmrestore.networks.base import Network
from cfmrestore.networks.conditioned import duration_embedding
from cfmrestore.networks.diffusers_folder import read_config, read_weights, unet_2d_model
from cfmrestore.ops.pad import crop_to, pad_to_multiple
from cfmrestore.registry import NETWORKS
from cfmrestore.typing import Latent, PerImage


@NETWORKS.register_module()
class DiffusersUNet2D(Network):
    """diffusers' ``UNet2DModel``: the U-Net of Ho et al., 2020, appendix B (arXiv:2006.11239), as its config sizes it.

    It predicts what a diffusion model predicts at a step: put it inside of ``DiffusionVelocity``. Of a network that
    learned variances too, twice the channels, the first half is taken. Sides are padded to what its levels divide by.

    Args:
        channels: Channels of x.
        context_channels: Channels of a context that is concatenated to x.
        embedding_channels: Channels of an embedding, that of its time: a class, whose table it would have itself.
        noise_level: It is told none.
        flow_map: Take a duration beside the time.
        config: The config of the model; keys of diffusers' class.
        folder: A folder that diffusers saved, with config.json and weights, in place of a config.
    """

    def __init__(
        self,
        *,
        channels: int,
        context_channels: int = 0,
        embedding_channels: int = 0,
        noise_level: bool = False,
        flow_map: bool = False,
        config: Mapping[str, Any] | None = None,
        folder: str | None = None,
    ) -> None:
        super().__init__()
        if (config is None) == (folder is None):
            raise ValueError("DiffusersUNet2D takes the config of a UNet2DModel, or the folder of one")
        if noise_level:
            raise ValueError("diffusers' UNet2DModel is told no noise level: give the condition noise_level=False")
        own = dict(config or {}) if folder is None else read_config(Path(folder).expanduser())
        if folder is not None and (own.get("num_class_embeds") or own.get("class_embed_type")):
            raise ValueError(f"{folder!r} knows classes, whose table is a condition here: use cfmrestore convert")
        if embedding_channels or flow_map:
            own |= {"class_embed_type": "identity", "num_class_embeds": None}
        self.model: Any = unet_2d_model()(**own)
        if folder is not None:
            self.model.load_state_dict(read_weights(Path(folder).expanduser()))
        found = self.model.config
        _check(found, channels, context_channels, embedding_channels)
        self.channels, self.context_channels = channels, context_channels
        self.multiple = 2 ** (len(found.block_out_channels) - 1)
        self.flow_map, self.width = flow_map, _width(found)
        self.duration = duration_embedding(found.block_out_channels[0], self.width) if flow_map else None

    @property
    def bottleneck(self) -> nn.Module | None:
        """Behind it lie the deepest features; a config may leave it out."""
        middle: nn.Module | None = self.model.mid_block
        return middle

    def forward(
        self,
        x: Latent,
        t: PerImage,
        context: Float[Tensor, "b k h w"] | None = None,
        embedding: Float[Tensor, "b e"] | None = None,
        duration: PerImage | None = None,
    ) -> Latent:
        inputs = x if context is None else torch.cat([x, context], dim=1)
        padded = pad_to_multiple(inputs, self.multiple)
        vector = self._added(x, embedding, duration)  # to what diffusers makes of the time
        told = {} if vector is None else {"class_labels": vector}
        predicted: Tensor = self.model(padded, t, return_dict=False, **told)[0]
        return crop_to(predicted[:, : self.channels], (x.shape[-2], x.shape[-1]))

    def _added(self, x: Tensor, embedding: Tensor | None, duration: PerImage | None) -> Tensor | None:
        if duration is not None and self.duration is None:
            raise ValueError("this network is a velocity and takes no duration: give it flow_map=True")
        if self.duration is None:
            return embedding
        vector = x.new_zeros(len(x), self.width) if embedding is None else embedding
        return vector if duration is None else vector + duration[:, None].to(x.dtype) * self.duration(duration)


def _width(found: Any) -> int:
    """Of the embedding of the time."""
    return int(found.time_embedding_dim or 4 * found.block_out_channels[0])


def _check(found: Any, channels: int, context_channels: int, embedding_channels: int) -> None:
    """Refuse a model that does not fit the flow."""
    if found.in_channels != channels + context_channels or found.out_channels not in (channels, 2 * channels):
        raise ValueError(
            f"this UNet2DModel takes {found.in_channels} channels and predicts {found.out_channels}; the flow has "
            f"{channels} and a context of {context_channels}"
        )
    width = _width(found)
    if embedding_channels not in (0, width):
        raise ValueError(f"this UNet2DModel takes an embedding of {width} channels; the conditions make one of "
                         f"{embedding_channels}")  # fmt: skip
