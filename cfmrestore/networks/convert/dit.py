"""The names of DiT's repository, which SiT and LFM kept."""

import math
import re
from typing import Any

import torch
from torch import Tensor

from cfmrestore.networks.convert.layout import Layout, NotThisNetworkError, Rename, State, shape_of, shapes_of
from cfmrestore.networks.dit import SIZES, DiT
from cfmrestore.networks.layers import sincos_table

_HEADS = {width: heads for width, _, heads in SIZES.values()}
_TABLE = "y_embedder.embedding_table.weight"
_NAMES = {
    r"embed\.(\w+)": r"x_embedder.proj.\1",
    r"time\.mlp\.(\d)\.(\w+)": r"t_embedder.mlp.\1.\2",
    r"blocks\.(\d+)\.attention\.qkv\.(\w+)": r"blocks.\1.attn.qkv.\2",
    r"blocks\.(\d+)\.attention\.out\.(\w+)": r"blocks.\1.attn.proj.\2",
    r"blocks\.(\d+)\.mlp\.0\.(\w+)": r"blocks.\1.mlp.fc1.\2",
    r"blocks\.(\d+)\.mlp\.2\.(\w+)": r"blocks.\1.mlp.fc2.\2",
    r"blocks\.(\d+)\.modulation\.linear\.(\w+)": r"blocks.\1.adaLN_modulation.1.\2",
    r"head\.modulation\.linear\.(\w+)": r"final_layer.adaLN_modulation.1.\1",
    r"head\.linear\.(\w+)": r"final_layer.linear.\1",
}


def dit_layout(state: State, project: str = "DiT", heads: int | None = None) -> Layout:
    """The transformer that weights with DiT's names are of.

    The last row of a table of several classes is that of no class, as wherever labels were dropped in training. A
    table of one row, by which LFM trains without classes, is a constant: it becomes part of the bias of the time.

    Args:
        state: The weights.
        project: Whose they are.
        heads: Attention heads, which weights do not say; by default those of the published network of that width.
    """
    width, channels, patch, _ = shape_of(state, "x_embedder.proj.weight", project)
    rows = shape_of(state, _TABLE, project)[0]
    tokens = shape_of(state, "pos_embed", project)[1]
    outputs = shape_of(state, "final_layer.linear.bias", project)[0] // patch**2
    hidden = shape_of(state, "blocks.0.mlp.fc1.bias", project)[0]
    side, depth = math.isqrt(tokens), _depth(state)
    heads = heads or _HEADS.get(width)
    if heads is None:
        raise NotThisNetworkError(f"a {project} {width} wide has no published number of attention heads: give it")
    if outputs not in (channels, 2 * channels) or side**2 != tokens:
        raise NotThisNetworkError(
            f"a {project} of {channels} channels in, {outputs} out and {tokens} tokens is unknown"
        )
    network: dict[str, Any] = {"type": "DiT", **_size(width, depth, heads), "patch": patch, "position": "sincos"}
    network |= {"input_size": side * patch, "learn_sigma": outputs > channels, "time_scale": 1.0}
    if hidden != 4 * width:
        network["mlp_ratio"] = hidden / width
    keys = {key: value for key, value in network.items() if key != "type"}
    shapes = shapes_of(lambda: DiT(channels=channels, embedding_channels=0 if rows == 1 else width, **keys))
    renames = [Rename(name, (_their_name(name),)) for name in shapes]
    if rows == 1:
        renames = [_folded(one) if one.ours == "time.mlp.2.bias" else one for one in renames]
    else:
        shapes["table.weight"] = torch.Size([rows, width])
        renames.append(Rename("table.weight", (_TABLE,)))
    positions = sincos_table((side, side), width, side, torch.device("cpu")).flatten(0, 1)[None]
    return Layout(
        project=project,
        network=network,
        channels=channels,
        context_channels=0,
        side=side * patch,
        classes=None if rows == 1 else rows - 1,
        null_class=rows > 1,
        shapes=shapes,
        renames=renames,
        constants={"pos_embed": positions},
    )


def _depth(state: State) -> int:
    found = (re.match(r"blocks\.(\d+)\.", name) for name in state)
    return 1 + max(int(match[1]) for match in found if match)


def _size(width: int, depth: int, heads: int) -> dict[str, Any]:
    """The published size, or its numbers."""
    for name, numbers in SIZES.items():
        if numbers == (width, depth, heads):
            return {"size": name}
    return {"width": width, "depth": depth, "heads": heads}


def _their_name(ours: str) -> str:
    for pattern, theirs in _NAMES.items():
        if re.fullmatch(pattern, ours):
            return re.sub(pattern, theirs, ours)
    raise AssertionError(ours)


def _folded(bias: Rename) -> Rename:
    """The bias of the time with the only vector of the table, which is always added to it."""

    def read(own: Tensor, table: Tensor) -> Tensor:
        return own + table[0]

    def write(own: Tensor) -> tuple[Tensor, ...]:
        return own, torch.zeros_like(own)[None]

    return Rename(bias.ours, (*bias.theirs, _TABLE), read, write)
