"""The names of EDM's port of ADM, of which most of LFM's convolutional networks are."""

from collections.abc import Sequence
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
from cfmrestore.networks.convert.unet_parts import factors_of, unet_parts
from cfmrestore.networks.unet import UNet

HEAD_DIM = 64
_LEAVES = {
    "norm_1": "norm0", "conv_1": "conv0", "film": "affine", "norm_2": "norm1", "conv_2": "conv1", "skip": "skip",
}  # fmt: skip
_ATTENTION = {"attention.norm": "norm2", "attention.qkv": "qkv", "attention.out": "proj"}
_ENDS = {"time.mlp.0": "map_layer0", "time.mlp.2": "map_layer1", "head.0": "out_norm", "head.2": "out_conv"}


def edm_unet_layout(state: State, project: str = "EDM's ADM") -> Layout:
    """The U-Net that weights with the names of EDM's ``DhariwalUNet`` are of.

    Residual blocks change the size. Features of queries, keys and values stand there by head, channel and part. The
    class is a matrix times its indicator, and no class the vector of zeros, which is how it is guided.

    Args:
        state: The weights.
        project: Whose they are.
    """
    base = shape_of(state, "map_layer0.weight", project)[1]
    channels = shape_of(state, "out_conv.weight", project)[0]
    sides = sorted({int(name.split(".")[1].split("x")[0]) for name in state if name.startswith("enc.")}, reverse=True)
    inputs = shape_of(state, f"enc.{_at(sides[0])}_conv.weight", project)[1] if sides else 0
    blocks = len({name.split(".")[1] for name in state if name.startswith(f"enc.{_at(max(sides, default=0))}_block")})
    firsts = [f"enc.{_at(side)}_block0" for side in sides]
    widths = [shape_of(state, f"{first}.conv0.weight", project)[0] for first in firsts]
    if bad := [width for width in widths if width < 128 or width % HEAD_DIM]:
        raise NotThisNetworkError(f"levels of {project} have multiples of 64 channels, 128 or more; got {bad}")
    attended = [level for level, first in enumerate(firsts) if f"{first}.qkv.weight" in state]
    network: dict[str, Any] = {
        "type": "UNet",
        "base_channels": base,
        "channel_factors": factors_of(widths, base, project),
        "blocks": blocks,
        "attention_factors": [2**level for level in attended],
        "heads": None,
        "head_dim": HEAD_DIM,
        "resample": "block",
        "time_scale": 1.0,
    }
    keys = {key: value for key, value in network.items() if key != "type"}
    rows = state["map_label.weight"].shape[1] if "map_label.weight" in state else 0
    shapes = shapes_of(
        lambda: UNet(
            channels=channels, context_channels=inputs - channels, embedding_channels=4 * base if rows else 0, **keys
        )
    )
    places = _ENDS | {"stem": f"enc.{_at(sides[0])}_conv"} | _places(sides, blocks, attended)
    renames = [_rename(name, places) for name in shapes]
    if rows:
        shapes["table.weight"] = torch.Size([rows + 1, 4 * base])
        renames.append(
            Rename("table.weight", ("map_label.weight",), lambda v: with_null_row(v.T), lambda v: (v[:-1].T,))
        )
    mean = torch.full((1, 1, 2, 2), 0.25)  # the filter of each change of size
    resampled = [name for side in sides[1:] for name in (f"enc.{_at(side)}_down", f"dec.{_at(2 * side)}_up")]
    return Layout(
        project=project,
        network=network,
        channels=channels,
        context_channels=inputs - channels,
        side=sides[0],
        classes=rows or None,
        null_class=bool(rows),
        shapes=shapes,
        renames=renames,
        constants={f"{name}.{layer}.resample_filter": mean for name in resampled for layer in ("conv0", "skip")},
    )


def _at(side: int) -> str:
    return f"{side}x{side}"


def _places(sides: Sequence[int], blocks: int, attended: Sequence[int]) -> dict[str, str]:
    """Their name of each layer of ours between stem and head."""
    places: dict[str, str] = {}
    for part in unet_parts(len(sides), blocks, attended):
        where = f"{'enc' if part.side == 'encoder' else 'dec'}.{_at(sides[part.level])}"
        if part.number < 0:
            theirs, own = f"{where}_{'down' if part.side == 'encoder' else 'up'}", part.ours
        else:
            theirs, own = f"{where}_{'in' if part.side == 'middle' else 'block'}{part.number}", f"{part.ours}.block"
        places |= {f"{own}.{layer}": f"{theirs}.{name}" for layer, name in _LEAVES.items()}
        if part.attends:
            places |= {f"{part.ours}.{layer}": f"{theirs}.{name}" for layer, name in _ATTENTION.items()}
    return places


def _rename(ours: str, places: dict[str, str]) -> Rename:
    layer, _, leaf = ours.rpartition(".")
    theirs = (f"{places[layer]}.{leaf}",)
    return Rename(ours, theirs, _read_qkv, _write_qkv) if layer.endswith("attention.qkv") else Rename(ours, theirs)


def _read_qkv(value: Tensor) -> Tensor:
    """Features by head, channel, part to part, head, channel."""
    return value.unflatten(0, (-1, 3)).transpose(0, 1).flatten(0, 1)


def _write_qkv(value: Tensor) -> tuple[Tensor, ...]:
    return (value.unflatten(0, (3, -1)).transpose(0, 1).flatten(0, 1),)
