"""U-Net with residual blocks and spatial attention."""

from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from cfmrestore.networks.layers import (
    Downsample,
    ResidualBlock,
    SpatialAttention,
    TimeEmbedding,
    Upsample,
    norm,
    zeroed,
)
from cfmrestore.ops.pad import crop_to, pad_to_multiple
from cfmrestore.registry import NETWORKS
from cfmrestore.typing import PerImage


class _Stage(nn.Module):
    """A residual block, with attention behind it where the level has it."""

    def __init__(self, block: ResidualBlock, attention: SpatialAttention | None) -> None:
        super().__init__()
        self.block = block
        self.attention = attention

    def forward(self, x: Tensor, embedding: Tensor) -> Tensor:
        x = self.block(x, embedding)
        return x if self.attention is None else self.attention(x)


@NETWORKS.register_module()
class UNet(nn.Module):
    """The U-Net of guided diffusion (Dhariwal and Nichol, 2021, arXiv:2105.05233), as FMBoost sizes it.

    The defaults are FMBoost's network for latents of four channels (305.8 M parameters with ``context_channels=4``),
    with an attention that mixes positions. Sides need not be multiples of anything: they are padded inside.

    Args:
        channels: Channels of x and of the velocity.
        context_channels: Channels of the context that is concatenated to x.
        base_channels: Channels of the first level.
        channel_factors: Factor on them, one a level; each level halves the size.
        blocks: Residual blocks a level.
        attention_factors: Downsampling factors (1, 2, 4, ...) whose levels attend; not sizes in pixels.
        middle_attention: Attend behind the deepest level, whatever its factor. A network that trains on small crops and
            restores large images does better without: its tokens would be many more than it has seen.
        heads: Attention heads.
        head_dim: Channels a head.
        dropout: Probability inside the residual blocks.
        groups: Groups of the normalizations; None for none, which suits latents whose amplitude is the contrast.
        time_scale: Factor on t before its embedding.
        noise_level: Embed the standard deviation of the source's noise beside the time.
        input_skip: Add the input and the context to the velocity, each channel times a gain that follows the embedding.
            White noise in many channels does not fit through a narrow network; it need not.
        checkpointing: Recompute activations in the backward pass, to save memory.
    """

    def __init__(
        self,
        *,
        channels: int,
        context_channels: int = 0,
        base_channels: int = 128,
        channel_factors: Sequence[int] = (1, 2, 4, 8),
        blocks: int = 3,
        attention_factors: Sequence[int] = (8,),
        middle_attention: bool = True,
        heads: int = 4,
        head_dim: int = 64,
        dropout: float = 0.0,
        groups: int | None = 32,
        time_scale: float = 1.0,
        noise_level: bool = False,
        input_skip: bool = False,
        checkpointing: bool = False,
    ) -> None:
        super().__init__()
        self.multiple = 2 ** (len(channel_factors) - 1)
        widths = [base_channels * factor for factor in channel_factors]
        _check(widths, groups, attention_factors, self.multiple)
        self.context_channels, self.checkpointing = context_channels, checkpointing
        d = 4 * base_channels
        self.time = TimeEmbedding(base_channels, d, time_scale=time_scale)
        self.level = TimeEmbedding(base_channels, d, time_scale=time_scale) if noise_level else None

        def stage(in_channels: int, out_channels: int, attend: bool) -> _Stage:
            block = ResidualBlock(in_channels, out_channels, d, dropout=dropout, groups=groups)
            return _Stage(block, attention(out_channels) if attend else None)

        def attention(width: int) -> SpatialAttention:
            return SpatialAttention(width, heads=heads, head_dim=head_dim, groups=groups)

        self.stem = nn.Conv2d(channels + context_channels, base_channels, 3, padding=1)
        self.down = nn.ModuleList()
        skips, width = [base_channels], base_channels
        for level, out in enumerate(widths):
            if level:
                self.down.append(Downsample(width))
                skips.append(width)
            for _ in range(blocks):
                self.down.append(stage(width, out, 2**level in attention_factors))
                width = out
                skips.append(width)
        self.middle = nn.ModuleList([stage(width, width, middle_attention), stage(width, width, False)])
        self.up = nn.ModuleList()
        for level, out in reversed(list(enumerate(widths))):
            for _ in range(blocks + 1):
                self.up.append(stage(width + skips.pop(), out, 2**level in attention_factors))
                width = out
            if level:
                self.up.append(Upsample(width))
        self.head = nn.Sequential(norm(groups, width), nn.SiLU(), zeroed(nn.Conv2d(width, channels, 3, padding=1)))
        inputs = channels + context_channels
        self.skip = nn.Sequential(nn.SiLU(), zeroed(nn.Linear(d, inputs))) if input_skip else None
        if input_skip and context_channels not in (0, channels):
            raise ValueError(f"input_skip needs a context of {channels} channels or none; got {context_channels}")

    def _run(self, module: Callable[..., Tensor], *args: Tensor) -> Tensor:
        if self.checkpointing and self.training and torch.is_grad_enabled():
            recomputed: Tensor = checkpoint(module, *args, use_reentrant=False)
            return recomputed
        return module(*args)

    def _embed(self, t: Tensor, noise_level: Tensor | None) -> Tensor:
        if (self.level is None) != (noise_level is None):
            raise ValueError("the network's noise_level and the coupling's condition_on_noise must agree")
        embedding: Tensor = self.time(t)
        return embedding if self.level is None else embedding + self.level(noise_level)

    def forward(
        self,
        x: Float[Tensor, "b c h w"],
        t: PerImage,
        context: Float[Tensor, "b k h w"] | None = None,
        noise_level: PerImage | None = None,
    ) -> Float[Tensor, "b c h w"]:
        size = (x.shape[-2], x.shape[-1])
        if (0 if context is None else context.shape[1]) != self.context_channels:
            given = "none" if context is None else f"{context.shape[1]} channels"
            raise ValueError(f"this network takes a context of {self.context_channels} channels; got {given}")
        embedding = self._embed(t, noise_level)
        if context is not None:
            x = torch.cat([x, context], dim=1)
        inputs = x
        x = self.stem(pad_to_multiple(x, self.multiple))
        skips = [x]
        for module in self.down:
            x = self._run(module, x, embedding) if isinstance(module, _Stage) else module(x)
            skips.append(x)
        for module in self.middle:
            x = self._run(module, x, embedding)
        for module in self.up:
            if isinstance(module, _Stage):
                x = self._run(module, torch.cat([x, skips.pop()], dim=1), embedding)
            else:
                x = module(x)
        velocity = crop_to(self.head(x), size)
        if self.skip is not None:
            gained = self.skip(embedding)[:, :, None, None] * inputs
            velocity = velocity + sum(gained.split(velocity.shape[1], dim=1))
        return velocity


def _check(widths: Sequence[int], groups: int | None, attention_factors: Sequence[int], deepest: int) -> None:
    if groups is not None and (bad := [width for width in widths if width % groups]):
        raise ValueError(f"channels must be multiples of groups={groups}; got levels of {bad}")
    reached = [2**level for level in range(len(widths))]
    if lost := [factor for factor in attention_factors if factor not in reached]:
        raise ValueError(
            f"attention_factors are downsampling factors, of which this network reaches {reached}; {lost} are not "
            f"among them (the deepest is {deepest})"
        )
