"""The names of guided diffusion's U-Net, which LFM and FMBoost kept."""

from collections.abc import Callable, Collection
from typing import Any

import torch
from torch import Tensor

from cfmrestore.networks.convert.layout import (
    Layout,
    NotThisNetworkError,
    Rename,
    State,
    shape_of,
    shapes_of,
    with_null_row,
)
from cfmrestore.networks.convert.unet_parts import factors_of, narrowed, unet_parts, widened
from cfmrestore.networks.unet import UNet

_LEAVES = {
    "block.norm_1": "in_layers.0", "block.conv_1": "in_layers.2", "block.film": "emb_layers.1",
    "block.norm_2": "out_layers.0", "block.conv_2": "out_layers.3", "block.skip": "skip_connection",
}  # fmt: skip
_ATTENTION = {"attention.norm": "norm", "attention.qkv": "qkv", "attention.out": "proj_out"}
_ENDS = {
    "time.mlp.0": "time_embed.0", "time.mlp.2": "time_embed.2", "stem": "input_blocks.0.0", "head.0": "out.0",
    "head.2": "out.2",
}  # fmt: skip


def guided_unet_layout(
    state: State,
    project: str = "guided diffusion",
    *,
    heads: int | None = 4,
    head_dim: int | None = None,
    attention_layout: str = "positions",
) -> Layout:
    """The U-Net that weights with guided diffusion's names are of.

    Queries, keys and values of one head stand behind each other there, in its older order of attention, and are put in
    our order. FMBoost's attention (``attention_layout="fmboost"``) has heads of a size of their own and is taken as it
    is. Scales and shifts come from the embedding (its ``use_scale_shift_norm``). Where variances were learned too
    (``learn_sigma``), the output has twice the channels, of which the first half is taken.

    Args:
        state: The weights.
        project: Whose they are.
        heads: Attention heads, which weights do not say; None for as many as there are of ``head_dim`` channels.
        head_dim: Channels of a head.
        attention_layout: That of our ``UNet``.
    """
    base = shape_of(state, "time_embed.0.weight", project)[1]
    inputs = shape_of(state, "input_blocks.0.0.weight", project)[1]
    outputs = shape_of(state, "out.2.weight", project)[0]
    channels = inputs if outputs == 2 * inputs else outputs
    qkv = shape_of(state, "middle_block.1.qkv.weight", project)[0]
    levels, blocks, in_blocks = _counts(state)
    first = [1 + level * (blocks + 1) for level in range(levels)]  # place of each level's first block
    widths = [shape_of(state, f"input_blocks.{place}.0.in_layers.2.weight", project)[0] for place in first]
    attended = [level for level, place in enumerate(first) if f"input_blocks.{place}.1.qkv.weight" in state]
    own_size = attention_layout == "fmboost"
    if qkv % (3 * (heads or head_dim or 1)) or (not own_size and qkv != 3 * widths[-1]):
        told = f"{heads} heads" if heads else f"heads of {head_dim} channels"
        raise NotThisNetworkError(f"an attention of {project} with {told} has not {qkv} features")
    network: dict[str, Any] = {
        "type": "UNet",
        "base_channels": base,
        "channel_factors": factors_of(widths, base, project),
        "blocks": blocks,
        "attention_factors": [2**level for level in attended],
        "heads": heads,
        "head_dim": qkv // (3 * heads) if own_size and heads else head_dim,
        "attention_layout": attention_layout,
        "resample": "block" if in_blocks else "conv",
        "time_scale": 1.0,
    }
    keys = {key: value for key, value in network.items() if key != "type"}
    rows = state["label_emb.weight"].shape[0] if "label_emb.weight" in state else 0
    shapes = shapes_of(
        lambda: UNet(
            channels=channels, context_channels=inputs - channels, embedding_channels=4 * base if rows else 0, **keys
        )
    )
    places = _ENDS | _places(levels, blocks, attended, in_blocks)
    split = None if own_size else (heads or -1, head_dim or -1)
    renames = [_rename(name, places, split) for name in shapes]
    if outputs > channels:
        renames = [_halved(one) if one.ours.startswith("head.2.") else one for one in renames]
    if rows:
        shapes["table.weight"] = torch.Size([rows + 1, 4 * base])
        renames.append(Rename("table.weight", ("label_emb.weight",), with_null_row, lambda table: (table[:-1],)))
    return Layout(
        project=project,
        network=network,
        channels=channels,
        context_channels=inputs - channels,
        side=None,
        classes=rows or None,
        null_class=False,
        shapes=shapes,
        renames=renames,
    )


def _counts(state: State) -> tuple[int, int, bool]:
    """Levels, residual blocks of each, and whether these change the size."""
    decoder = {name.split(".")[1] for name in state if name.startswith("output_blocks.")}
    convolutions = [name for name in state if name.startswith("output_blocks.") and name.endswith(".conv.weight")]
    resampling = [name for name in state if name.startswith("output_blocks.") and name.endswith("in_layers.0.weight")
                  and name.split(".")[2] != "0"]  # fmt: skip
    levels = 1 + len(convolutions or resampling)
    return levels, max(len(decoder) // levels - 1, 1), bool(resampling)


def _places(levels: int, blocks: int, attended: Collection[int], in_blocks: bool) -> dict[str, str]:
    """Their name of each layer of ours between stem and head."""
    places: dict[str, str] = {}
    index = {"encoder": 0, "decoder": -1, "middle": -2}
    for part in unet_parts(levels, blocks, attended):
        resamples, side = part.number < 0, part.side
        if side == "middle":
            index[side] += 2
            theirs = f"middle_block.{index[side]}"
            behind = "middle_block.1"
        else:
            index[side] += not (resamples and side == "decoder")  # there it stands behind the block and its attention
            block = f"{'input' if side == 'encoder' else 'output'}_blocks.{index[side]}"
            after = 1 + (part.level + 1 in attended)
            theirs = f"{block}.{after}" if resamples and side == "decoder" else f"{block}.0"
            behind = f"{block}.1"
        if not resamples:
            places |= {f"{part.ours}.{own}": f"{theirs}.{name}" for own, name in _LEAVES.items()}
            if part.attends:
                places |= {f"{part.ours}.{own}": f"{behind}.{name}" for own, name in _ATTENTION.items()}
        elif in_blocks:
            places |= {f"{part.ours}.{own[6:]}": f"{theirs}.{name}" for own, name in _LEAVES.items()}
        elif side == "encoder":
            places[part.ours] = f"{theirs}.op"
        else:
            places[f"{part.ours}.conv"] = f"{theirs}.conv"
    return places


def _rename(ours: str, places: dict[str, str], split: tuple[int, int] | None) -> Rename:
    layer, _, leaf = ours.rpartition(".")
    theirs = (f"{places[layer]}.{leaf}",)
    if layer.endswith("attention.qkv") and split is not None:
        return Rename(ours, theirs, _from_heads(*split), _to_heads(*split))
    if ".attention." in ours:
        return Rename(ours, theirs, widened, lambda value: (narrowed(value),))
    return Rename(ours, theirs)


def _from_heads(heads: int, size: int) -> Callable[[Tensor], Tensor]:
    """Features by head, part, channel to part, head, channel."""
    return lambda value: widened(value.unflatten(0, (heads, 3, size)).transpose(0, 1).flatten(0, 2))


def _to_heads(heads: int, size: int) -> Callable[[Tensor], tuple[Tensor, ...]]:
    return lambda value: (narrowed(value.unflatten(0, (3, heads, size)).transpose(0, 1).flatten(0, 2)),)


def _halved(rename: Rename) -> Rename:
    """The outputs without those of the variances."""
    return Rename(
        rename.ours, rename.theirs, lambda value: value.chunk(2)[0], lambda v: (torch.cat([v, torch.zeros_like(v)]),)
    )
