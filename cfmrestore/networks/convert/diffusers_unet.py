"""diffusers' U-Net of diffusion models, whose names are its own inside of ours."""

from collections.abc import Mapping
from typing import Any

import torch

from cfmrestore.networks.convert.layout import (
    Layout,
    NotThisNetworkError,
    Rename,
    State,
    shape_of,
    shapes_of,
    with_null_row,
)
from cfmrestore.networks.diffusers_folder import unet_2d_model

_TABLE = "class_embedding.weight"


def diffusers_unet_layout(state: State, config: Mapping[str, Any], project: str = "diffusers") -> Layout:
    """The ``DiffusersUNet2D`` of a config and weights; a table of classes becomes a condition's.

    Args:
        state: The weights.
        config: Keys of ``UNet2DModel``.
        project: Whose they are.
    """
    model = unet_2d_model()
    told = dict(config)
    if told.get("class_embed_type") is not None:
        raise NotThisNetworkError(f"a UNet2DModel with class_embed_type={told['class_embed_type']!r} has no converter")
    table = shape_of(state, _TABLE, project) if told.get("num_class_embeds") else None
    own = told if table is None else {**told, "class_embed_type": "identity", "num_class_embeds": None}
    shapes = {f"model.{name}": shape for name, shape in shapes_of(lambda: model(**own)).items()}
    renames = [Rename(name, (name.removeprefix("model."),)) for name in shapes]
    if table is not None:
        shapes["table.weight"] = torch.Size([table[0] + 1, table[1]])
        renames.append(Rename("table.weight", (_TABLE,), with_null_row, lambda value: (value[:-1],)))
    return Layout(
        project=project,
        network={"type": "DiffusersUNet2D", "config": {k: v for k, v in told.items() if k != "num_class_embeds"}},
        channels=int(told.get("in_channels", 3)),
        context_channels=0,
        side=None,
        classes=None if table is None else table[0],
        null_class=False,
        shapes=shapes,
        renames=renames,
    )
