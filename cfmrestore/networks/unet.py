"""U-Net with residual blocks and spatial attention."""

from collections.abc import Sequence
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from cfmrestore.networks.conditioned import ConditionedNetwork, input_gains
from cfmrestore.networks.layers import (
    Downsample,
    RavelledAttention,
    ResidualBlock,
    SpatialAttention,
    Upsample,
    norm,
    zeroed,
)
from cfmrestore.ops.pad import crop_to, pad_to_multiple
from cfmrestore.registry import NETWORKS
from cfmrestore.typing import PerImage

_LAYOUTS = {"positions": SpatialAttention, "fmboost": RavelledAttention}


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
class UNet(ConditionedNetwork):
    """The U-Net of guided diffusion (Dhariwal and Nichol, 2021, arXiv:2105.05233), as FMBoost sizes it.

    The defaults are FMBoost's network for latents of four channels (305.8 M parameters with ``context_channels=4``),
    with an attention that mixes positions. Sides need not be multiples of anything: they are padded inside.

    Args:
        channels: Channels of x and of the velocity.
        context_channels: Channels of the context that is concatenated to x.
        embedding_channels: Channels of an embedding, of a class for example, that is added to that of the time (of
            4 * base_channels); one of another width goes through a linear layer.
        base_channels: Channels of the first level.
        channel_factors: Factor on them, one a level; each level halves the size.
        blocks: Residual blocks a level.
        attention_factors: Downsampling factors (1, 2, 4, ...) whose levels attend; not sizes in pixels.
        middle_attention: Attend behind the deepest level, whatever its factor. A network that trains on small crops and
            restores large images does better without: its tokens would be many more than it has seen.
        heads: Attention heads; None for as many of ``head_dim`` channels as a level has channels for.
        head_dim: Channels a head; None for those of the level, divided between the heads.
        attention_layout: "positions"; "fmboost" mixes what released code of FMBoost mixes, for weights that were
            trained with it (``RavelledAttention``).
        resample: "conv", a convolution between levels; "block", a residual block that resamples inside.
        dropout: Probability inside the residual blocks.
        groups: Groups of the normalizations; None for none, which suits latents whose amplitude is the contrast, in a
            network of one level: over several, activations can grow without bound in training.
        time_scale: Factor on t before its embedding.
        noise_level: Embed the standard deviation of the source's noise beside the time.
        input_skip: Add x and the latent that the context begins with to the velocity, each channel times a gain that
            follows the embedding.
            White noise in many channels does not fit through a narrow network; it need not.
        local_gains: Let these gains follow the place, too, by the features that the network ends with. What is white
            noise is then shut off where nothing else is, as by a threshold on wavelets, and goes around the network.
        flow_map: Take a duration beside the time, as in ``ConditionedNetwork``.
        checkpointing: Recompute activations in the backward pass, to save memory.
    """

    def __init__(
        self,
        *,
        channels: int,
        context_channels: int = 0,
        embedding_channels: int = 0,
        base_channels: int = 128,
        channel_factors: Sequence[int] = (1, 2, 4, 8),
        blocks: int = 3,
        attention_factors: Sequence[int] = (8,),
        middle_attention: bool = True,
        heads: int | None = 4,
        head_dim: int | None = 64,
        attention_layout: str = "positions",
        resample: str = "conv",
        dropout: float = 0.0,
        groups: int | None = 32,
        time_scale: float = 1.0,
        noise_level: bool = False,
        input_skip: bool = False,
        local_gains: bool = False,
        flow_map: bool = False,
        checkpointing: bool = False,
    ) -> None:
        d = 4 * base_channels
        super().__init__(
            context_channels=context_channels,
            embedding_channels=embedding_channels,
            noise_level=noise_level,
            sinusoids=base_channels,
            width=d,
            time_scale=time_scale,
            flow_map=flow_map,
            checkpointing=checkpointing,
        )
        self.multiple = 2 ** (len(channel_factors) - 1)
        widths = [base_channels * factor for factor in channel_factors]
        _check(widths, groups, attention_factors, self.multiple)
        _check_kinds(attention_layout, resample)

        def stage(in_channels: int, out_channels: int, attend: bool) -> _Stage:
            block = ResidualBlock(in_channels, out_channels, d, dropout=dropout, groups=groups)
            return _Stage(block, attention(out_channels) if attend else None)

        def attention(width: int) -> SpatialAttention:
            count, size = _heads(width, heads, head_dim)
            return _LAYOUTS[attention_layout](width, heads=count, head_dim=size, groups=groups)

        def resized(width: int, way: Literal["down", "up"]) -> nn.Module:
            if resample == "block":
                return ResidualBlock(width, width, d, dropout=dropout, groups=groups, resample=way)
            return Downsample(width) if way == "down" else Upsample(width)

        self.stem = nn.Conv2d(channels + context_channels, base_channels, 3, padding=1)
        self.down = nn.ModuleList()
        skips, width = [base_channels], base_channels
        for level, out in enumerate(widths):
            if level:
                self.down.append(resized(width, "down"))
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
                self.up.append(resized(width, "up"))
        self.head = _head(groups, width, channels)
        self.skip = input_gains(d, channels, context_channels) if input_skip else None
        if local_gains and not input_skip:
            raise ValueError("local_gains are of what input_skip adds: give input_skip=True")
        self.local_gains = _head(groups, width, channels * (2 if context_channels else 1)) if local_gains else None

    @property
    def bottleneck(self) -> nn.Module:
        """Behind it lie the deepest features."""
        return self.middle[-1]

    def forward(
        self,
        x: Float[Tensor, "b c h w"],
        t: PerImage,
        context: Float[Tensor, "b k h w"] | None = None,
        noise_level: PerImage | None = None,
        embedding: Float[Tensor, "b e"] | None = None,
        duration: PerImage | None = None,
    ) -> Float[Tensor, "b c h w"]:
        vector = self._embed(t, noise_level, embedding, duration)
        inputs = self._with_context(x, context)
        x = self.stem(pad_to_multiple(inputs, self.multiple))
        skips = [x]
        for module in self.down:
            x = self._run(module, x, vector) if isinstance(module, _Stage | ResidualBlock) else module(x)
            skips.append(x)
        for module in self.middle:
            x = self._run(module, x, vector)
        for module in self.up:
            if isinstance(module, _Stage):
                x = self._run(module, torch.cat([x, skips.pop()], dim=1), vector)
            elif isinstance(module, ResidualBlock):
                x = self._run(module, x, vector)
            else:
                x = module(x)
        size = (inputs.shape[-2], inputs.shape[-1])
        local = None if self.local_gains is None else crop_to(self.local_gains(x), size)
        return self._add_skip(crop_to(self.head(x), size), inputs, vector, local)


def _head(groups: int | None, width: int, channels: int) -> nn.Sequential:
    """From the last features to what the network says at each place, zero at the start."""
    return nn.Sequential(norm(groups, width), nn.SiLU(), zeroed(nn.Conv2d(width, channels, 3, padding=1)))


def _check(widths: Sequence[int], groups: int | None, attention_factors: Sequence[int], deepest: int) -> None:
    if groups is not None and (bad := [width for width in widths if width % groups]):
        raise ValueError(f"channels must be multiples of groups={groups}; got levels of {bad}")
    reached = [2**level for level in range(len(widths))]
    if lost := [factor for factor in attention_factors if factor not in reached]:
        raise ValueError(
            f"attention_factors are downsampling factors, of which this network reaches {reached}; {lost} are not "
            f"among them (the deepest is {deepest})"
        )


def _check_kinds(attention_layout: str, resample: str) -> None:
    for name, kind, known in [
        ("attention_layout", attention_layout, tuple(_LAYOUTS)), ("resample", resample, ("conv", "block")),
    ]:  # fmt: skip
        if kind not in known:
            raise ValueError(f"{name} is one of {', '.join(map(repr, known))}; got {kind!r}")


def _heads(width: int, heads: int | None, head_dim: int | None) -> tuple[int, int]:
    """Heads of a level, and the channels of each."""
    if heads is None and head_dim is None:
        raise ValueError("attention needs heads or head_dim; both are None")
    divisor = head_dim if heads is None else heads
    assert divisor is not None
    if (heads is None or head_dim is None) and width % divisor:
        raise ValueError(f"a level of {width} channels does not divide by {divisor}; got {heads=}, {head_dim=}")
    return heads or width // divisor, head_dim or width // divisor
