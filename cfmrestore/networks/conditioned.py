"""What the networks have in common: the vector that they are told, the context, the gains of the input."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from cfmrestore.networks.base import Network
from cfmrestore.networks.layers import TimeEmbedding, has_tangent, zeroed
from cfmrestore.typing import PerImage


class ConditionedNetwork(Network):
    r"""A network with time, noise level and embedding summed to one vector, and its context concatenated to x.

    As a flow map it is told the duration h = r - t too and predicts the mean velocity u until r, by an embedding

    .. math:: h\, e(h), \qquad u(x, t, t) = v(x, t),

    which vanishes at h = 0 for any weights, and for all h at the start: the weights of a velocity are those of the flow
    map that training begins with, and as a velocity it gives what they gave, bit for bit.

    Args:
        context_channels: Channels of the context.
        embedding_channels: Channels of the embedding; a linear layer brings one of another width to that of the vector.
        noise_level: Embed the standard deviation of the source's noise beside the time.
        sinusoids: Length of the sinusoids of time and noise level.
        width: Length of the vector.
        time_scale: Factor on t before its embedding.
        flow_map: Take a duration beside the time.
        checkpointing: Recompute activations in the backward pass, to save memory.
    """

    skip: nn.Sequential | None

    def __init__(
        self,
        *,
        context_channels: int,
        embedding_channels: int,
        noise_level: bool,
        sinusoids: int,
        width: int,
        time_scale: float,
        flow_map: bool,
        checkpointing: bool,
    ) -> None:
        super().__init__()
        self.context_channels, self.embedding_channels = context_channels, embedding_channels
        self.checkpointing = checkpointing
        self.time = TimeEmbedding(sinusoids, width, time_scale=time_scale)
        self.level = TimeEmbedding(sinusoids, width, time_scale=time_scale) if noise_level else None
        self.flow_map, self.duration = flow_map, duration_embedding(sinusoids, width) if flow_map else None
        projects = embedding_channels not in (0, width)
        self.projection = nn.Linear(embedding_channels, width) if projects else nn.Identity()

    def _embed(
        self,
        t: PerImage,
        noise_level: PerImage | None,
        embedding: Float[Tensor, "b e"] | None,
        duration: PerImage | None,
    ) -> Float[Tensor, "b d"]:
        if (self.level is None) != (noise_level is None):
            wanted, given = ("no", "one") if self.level is None else ("a", "none")
            raise ValueError(f"this network takes {wanted} noise level; got {given}")
        if (0 if embedding is None else embedding.shape[1]) != self.embedding_channels:
            given = "none" if embedding is None else f"{embedding.shape[1]} channels"
            raise ValueError(f"this network takes an embedding of {self.embedding_channels} channels; got {given}")
        vector: Tensor = self.time(t)
        if self.level is not None:
            vector = vector + self.level(noise_level)
        if duration is not None:
            if self.duration is None:
                raise ValueError("this network is a velocity and takes no duration: give it flow_map=True")
            vector = vector + duration[:, None].to(vector.dtype) * self.duration(duration)
        return vector if embedding is None else vector + self.projection(embedding)

    def _with_context(self, x: Tensor, context: Tensor | None) -> Tensor:
        if (0 if context is None else context.shape[1]) != self.context_channels:
            given = "none" if context is None else f"{context.shape[1]} channels"
            raise ValueError(f"this network takes a context of {self.context_channels} channels; got {given}")
        return x if context is None else torch.cat([x, context], dim=1)

    def _run(self, module: Callable[..., Tensor], *args: Tensor | None) -> Tensor:
        if self.checkpointing and self.training and torch.is_grad_enabled():
            if has_tangent(*args):
                raise ValueError(
                    "what is recomputed has no forward-mode derivative: this loss needs checkpointing=False"
                )
            recomputed: Tensor = checkpoint(module, *args, use_reentrant=False)
            return recomputed
        return module(*args)

    def _add_skip(self, velocity: Tensor, inputs: Tensor, vector: Tensor, local: Tensor | None = None) -> Tensor:
        if self.skip is None:
            return velocity
        gains = self.skip(vector)[:, :, None, None]
        gains = gains if local is None else gains + local
        gained = gains * inputs[:, : gains.shape[1]]
        return velocity + sum(gained.split(velocity.shape[1], dim=1))


def duration_embedding(sinusoids: int, width: int) -> TimeEmbedding:
    """Of slow sinusoids, since losses differentiate it, and zero at the start."""
    embedding = TimeEmbedding(sinusoids, width, time_scale=10.0)
    zeroed(embedding.mlp[-1])
    return embedding


def input_gains(width: int, channels: int, context_channels: int) -> nn.Sequential:
    """A gain for each channel of x and of a latent that the context begins with, from the vector; zero at the start."""
    if 0 < context_channels < channels:
        raise ValueError(f"input_skip needs a context of {channels} channels or more, or none; got {context_channels}")
    return nn.Sequential(nn.SiLU(), zeroed(nn.Linear(width, channels * (2 if context_channels else 1))))
