"""The names of DDPM's U-Net in its PyTorch ports, which DDIM, SDEdit, DiffusionCLIP and BoundaryDiffusion kept."""

import re
from typing import Any

from torch import Tensor

from cfmrestore.networks.convert.layout import Layout, NotThisNetworkError, Rename, State, shape_of, shapes_of
from cfmrestore.networks.diffusers_folder import unet_2d_model

_RESNET = {"time_emb_proj": "temb_proj", "conv_shortcut": "nin_shortcut"}
_ATTENTION = {"group_norm": "norm", "to_q": "q", "to_k": "k", "to_v": "v", "to_out.0": "proj_out"}
_ENDS = {"time_embedding.linear_1": "temb.dense.0", "time_embedding.linear_2": "temb.dense.1",
         "conv_norm_out": "norm_out", "conv_in": "conv_in", "conv_out": "conv_out"}  # fmt: skip


def ddpm_unet_layout(state: State, project: str = "DDPM") -> Layout:
    """The ``DiffusersUNet2D`` that weights with the names of DDPM's ports are of: CelebA-HQ, LSUN.

    Its attention has one head, whose queries, keys and values are convolutions of one sample there and linear layers
    here; sinusoids end at a period of 10^4, and what halves the size is padded at the right and below.

    Args:
        state: The weights.
        project: Whose they are.
    """
    base, inputs = shape_of(state, "conv_in.weight", project)[:2]
    levels = 1 + max(_numbers(state, r"down\.(\d+)\."), default=0)
    blocks = 1 + max(_numbers(state, r"down\.0\.block\.(\d+)\."), default=0)
    widths = [shape_of(state, f"down.{level}.block.0.conv2.weight", project)[0] for level in range(levels)]
    attended = [f"down.{level}.attn.0.q.weight" in state for level in range(levels)]
    outputs = shape_of(state, "conv_out.weight", project)[0]
    if outputs not in (inputs, 2 * inputs):
        raise NotThisNetworkError(f"a {project} of {inputs} channels in and {outputs} out is unknown")
    config: dict[str, Any] = {
        "in_channels": inputs,
        "out_channels": outputs,
        "block_out_channels": widths,
        "layers_per_block": blocks,
        "down_block_types": [f"{'Attn' if here else ''}DownBlock2D" for here in attended],
        "up_block_types": [f"{'Attn' if here else ''}UpBlock2D" for here in reversed(attended)],
        "attention_head_dim": None,
        "downsample_padding": 0,
        "flip_sin_to_cos": False,
        "freq_shift": 1,
        "norm_eps": 1e-6,
    }
    if base % 32:
        config["norm_num_groups"] = base
    model = unet_2d_model()
    shapes = {f"model.{name}": shape for name, shape in shapes_of(lambda: model(**config)).items()}
    return Layout(
        project=project,
        network={"type": "DiffusersUNet2D", "config": config},
        channels=inputs,
        context_channels=0,
        side=None,
        classes=None,
        null_class=False,
        shapes=shapes,
        renames=[_rename(name, levels) for name in shapes],
    )


def _numbers(state: State, pattern: str) -> list[int]:
    return [int(match[1]) for match in (re.match(pattern, name) for name in state) if match]


def _rename(ours: str, levels: int) -> Rename:
    layer, _, leaf = ours.removeprefix("model.").rpartition(".")
    if layer in _ENDS:
        return Rename(ours, (f"{_ENDS[layer]}.{leaf}",))
    side, _, rest = layer.partition(".")
    if side != "mid_block":
        level, _, rest = rest.partition(".")
        at = int(level) if side == "down_blocks" else levels - 1 - int(level)
        where = f"{'down' if side == 'down_blocks' else 'up'}.{at}"
    else:
        where = "mid"
    kind, _, rest = rest.partition(".")
    number, _, part = rest.partition(".")
    if kind == "resnets":
        block = f"block_{int(number) + 1}" if where == "mid" else f"block.{number}"
        return Rename(ours, (f"{where}.{block}.{_RESNET.get(part, part)}.{leaf}",))
    if kind == "attentions":
        block = "attn_1" if where == "mid" else f"attn.{number}"
        theirs = (f"{where}.{block}.{_ATTENTION[part]}.{leaf}",)
        return (
            Rename(ours, theirs, _flat, _as_convolution)
            if leaf == "weight" and part != "group_norm"
            else Rename(ours, theirs)
        )
    return Rename(ours, (f"{where}.{'downsample' if kind == 'downsamplers' else 'upsample'}.conv.{leaf}",))


def _flat(weight: Tensor) -> Tensor:
    """A convolution of one sample as a linear layer."""
    return weight.flatten(1)


def _as_convolution(weight: Tensor) -> tuple[Tensor, ...]:
    return (weight[:, :, None, None],)
