"""Weights of other projects: the true shapes, there and back, and the same outputs as a small version of theirs."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from cfmrestore.networks.convert import (
    Layout,
    NotThisNetworkError,
    ddpm_unet_layout,
    dit_layout,
    edm_unet_layout,
    guided_unet_layout,
)
from cfmrestore.registry import NETWORKS
from tests.networks.convert import foreign

TINY_GUIDED = {"base": 32, "factors": (1, 2, 2), "blocks": 2, "attended": (2, 4)}
Read = Callable[[dict[str, Tensor]], Layout]
FULL: dict[str, tuple[foreign.Shapes, Read, dict, int]] = {
    "DiT-XL/2, SiT-XL/2": (
        foreign.dit_shapes(1152, 28, outputs=8), dit_layout,
        {"size": "XL", "patch": 2, "input_size": 32, "learn_sigma": True}, 674_834_720,
    ),
    "LFM DiT-B/2": (
        foreign.dit_shapes(768, 12), lambda state: dit_layout(state, "LFM"),
        {"size": "B", "patch": 2, "input_size": 32, "learn_sigma": False}, 130_303_504,
    ),
    "LFM DiT-L/2": (
        foreign.dit_shapes(1024, 24, rows=1), lambda state: dit_layout(state, "LFM"),
        {"size": "L", "patch": 2, "input_size": 32, "learn_sigma": False}, 457_824_272 - 1001 * 1024,
    ),
    "LFM ADM, CelebA-HQ 256": (
        foreign.guided_shapes(256, (1, 2, 2, 2), 2, (16, 8)), lambda state: guided_unet_layout(state, "LFM"),
        {"base_channels": 256, "channel_factors": [1, 2, 2, 2], "blocks": 2, "attention_factors": [8],
         "heads": 4, "head_dim": None, "resample": "conv"}, 0,
    ),
    "LFM ADM, FFHQ": (
        foreign.edm_shapes(256, (1, 2, 3, 4), 2, (16, 8, 4), side=32), lambda state: edm_unet_layout(state, "LFM"),
        {"base_channels": 256, "channel_factors": [1, 2, 3, 4], "blocks": 2, "attention_factors": [2, 4, 8],
         "heads": None, "head_dim": 64, "resample": "block"}, 0,
    ),
    "LFM ADM, ImageNet": (
        foreign.edm_shapes(256, (1, 2, 3, 4), 2, (16, 8, 4), side=32, classes=1000),
        lambda state: edm_unet_layout(state, "LFM"), {"attention_factors": [2, 4, 8]}, 0,
    ),
    "DDPM, CelebA-HQ and LSUN": (
        foreign.ddpm_shapes(128, (1, 1, 2, 2, 4, 4), 2, (4,)), ddpm_unet_layout,
        {"type": "DiffusersUNet2D"}, 113_673_219,
    ),
    "ADM with learned variances, FFHQ and AFHQ": (
        foreign.guided_shapes(128, (1, 1, 2, 2, 4, 4), 1, (16,), inputs=3, outputs=6, in_blocks=True),
        lambda state: guided_unet_layout(state, "ADM", heads=None, head_dim=64),
        {"base_channels": 128, "channel_factors": [1, 1, 2, 2, 4, 4], "blocks": 1, "attention_factors": [16],
         "heads": None, "head_dim": 64, "resample": "block"}, 0,
    ),
    "FMBoost": (
        foreign.guided_shapes(128, (1, 2, 4, 8), 3, (8, 16), inputs=8, features=256),
        lambda state: guided_unet_layout(state, "FMBoost", attention_layout="fmboost"),
        {"base_channels": 128, "channel_factors": [1, 2, 4, 8], "blocks": 3, "attention_factors": [8], "heads": 4,
         "head_dim": 64, "attention_layout": "fmboost"}, 305_806_340,
    ),
}  # fmt: skip
SMALL: dict[str, tuple[foreign.Shapes, Read]] = {
    "DiT": (foreign.dit_shapes(48, 2, rows=11, side=8, outputs=8), lambda state: dit_layout(state, heads=3)),
    "DiT of one row": (foreign.dit_shapes(48, 2, rows=1, side=8), lambda state: dit_layout(state, heads=3)),
    "guided": (foreign.guided_shapes(**TINY_GUIDED), guided_unet_layout),
    "guided, classes": (foreign.guided_shapes(**TINY_GUIDED, rows=5), guided_unet_layout),
    "guided, blocks resample": (foreign.guided_shapes(**TINY_GUIDED, in_blocks=True), guided_unet_layout),
    "DDPM": (foreign.ddpm_shapes(32, (1, 2, 2), 2, (1,)), ddpm_unet_layout),
    "EDM": (foreign.edm_shapes(128, (1, 2), 1, (4,), side=8, classes=5), edm_unet_layout),
    "FMBoost": (
        foreign.guided_shapes(**TINY_GUIDED, inputs=8, features=24),
        lambda state: guided_unet_layout(state, attention_layout="fmboost"),
    ),
}


def built(layout: Layout, ours: dict[str, Tensor]) -> torch.nn.Module:
    """The network with these weights."""
    width = ours["table.weight"].shape[1] if "table.weight" in ours else 0
    offers = {"channels": layout.channels, "context_channels": layout.context_channels, "embedding_channels": width}
    network = NETWORKS.build(layout.network, default_args=offers)
    network.load_state_dict({name: value for name, value in ours.items() if name != "table.weight"})
    return network.eval()


def inputs(channels: int = 4, side: int = 8) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(3)
    return torch.randn(2, channels, side, side, generator=generator), torch.tensor([0.3, 0.9])


@pytest.mark.parametrize("name", FULL)
def test_published_networks_are_recognized(name: str) -> None:
    shapes, layout_of, expected, count = FULL[name]
    state = foreign.meta_state(shapes)
    layout = layout_of(state)
    assert {key: layout.network[key] for key in expected} == expected
    ours = layout.read(state)
    assert {key: value.shape for key, value in ours.items()} == dict(layout.shapes)
    assert {key: value.shape for key, value in layout.write(ours).items()} == {k: v.shape for k, v in state.items()}
    if count:
        assert sum(map(math.prod, layout.shapes.values())) == count


@pytest.mark.parametrize("name", SMALL)
def test_there_and_back(name: str) -> None:
    shapes, layout_of = SMALL[name]
    state = foreign.random_state(shapes)
    layout = layout_of(state)
    ours = layout.read(state)
    back = layout.write(ours)
    assert back.keys() == state.keys()
    changed = {key for key in state if not torch.equal(back[key], state[key])} - {"pos_embed"}
    one = {"t_embedder.mlp.2.bias", "y_embedder.embedding_table.weight"}  # added, since only their sum counts
    assert changed == (one if "one row" in name else set())
    assert all(torch.equal(value, ours[key]) for key, value in layout.read(back).items())
    built(layout, ours)


@pytest.mark.parametrize("rows", [1, 11])
@pytest.mark.parametrize("outputs", [4, 8])
def test_the_transformer_is_theirs(rows: int, outputs: int) -> None:
    state = foreign.random_state(foreign.dit_shapes(48, 2, rows=rows, side=8, outputs=outputs))
    layout = dit_layout(state, heads=3)
    ours = layout.read(state)
    x, t = inputs()
    label = torch.tensor([0, 0]) if rows == 1 else torch.tensor([7, 10])
    told = {"embedding": ours["table.weight"][label]} if rows > 1 else {}
    v = built(layout, ours)(x, t, **told)
    assert torch.allclose(v, foreign.dit(state, x, t, label, heads=3)[:, :4], atol=1e-5)
    assert layout.classes == (None if rows == 1 else 10)


@pytest.mark.parametrize("in_blocks", [False, True])
@pytest.mark.parametrize("heads", [2, 4])
def test_the_guided_u_net_is_theirs(heads: int, in_blocks: bool) -> None:
    state = foreign.random_state(foreign.guided_shapes(**TINY_GUIDED, rows=5, in_blocks=in_blocks))
    layout = guided_unet_layout(state, heads=heads)
    ours = layout.read(state)
    x, t = inputs()
    label = torch.tensor([4, 1])
    v = built(layout, ours)(x, t, embedding=ours["table.weight"][label])
    expected = foreign.guided_unet(state, x, t, label, heads=heads)
    assert torch.allclose(v, expected, atol=1e-4 * float(expected.abs().max()))


def test_the_guided_u_net_with_learned_variances_is_theirs() -> None:
    """Of heads of one size, and without the second half of the outputs."""
    state = foreign.random_state(foreign.guided_shapes(**TINY_GUIDED, outputs=8, in_blocks=True))
    layout = guided_unet_layout(state, heads=None, head_dim=16)
    x, t = inputs()
    expected = foreign.guided_unet(state, x, t, heads=4)[:, :4]
    v = built(layout, layout.read(state))(x, t)
    assert torch.allclose(v, expected, atol=1e-4 * float(expected.abs().max()))
    back = layout.write(layout.read(state))
    assert torch.equal(back["out.2.weight"][:4], state["out.2.weight"][:4])
    assert back["out.2.weight"].shape == state["out.2.weight"].shape
    with pytest.raises(NotThisNetworkError, match="heads of 48 channels has not"):
        guided_unet_layout(state, heads=None, head_dim=48)


@pytest.mark.parametrize("shape", [(32, (1, 2, 2), 2, (1,)), (32, (1, 1), 1, (0, 1)), (64, (1, 2), 3, ())])
def test_ddpms_u_net_is_theirs(shape: tuple) -> None:
    state = foreign.random_state(foreign.ddpm_shapes(*shape))
    layout = ddpm_unet_layout(state)
    x, t = inputs(channels=3)[0], torch.tensor([3.0, 800.0])
    expected = foreign.ddpm_unet(state, x, t)
    v = built(layout, layout.read(state))(x, t)
    assert torch.allclose(v, expected, atol=1e-4 * float(expected.abs().max()))


def test_edms_u_net_is_theirs() -> None:
    state = foreign.random_state(foreign.edm_shapes(128, (1, 2), 1, (4,), side=8, classes=5))
    layout = edm_unet_layout(state)
    ours = layout.read(state)
    network, (x, t) = built(layout, ours), inputs()
    for label in (torch.tensor([4, 1]), None):  # no class is the last row
        v = network(x, t, embedding=ours["table.weight"][torch.tensor([5, 5]) if label is None else label])
        expected = foreign.edm_unet(state, x, t, label)
        assert torch.allclose(v, expected, atol=1e-4 * float(expected.abs().max()))


@pytest.mark.parametrize("size", [(8, 8), (12, 8)])
def test_fmboosts_u_net_is_theirs(size: tuple[int, int]) -> None:
    state = foreign.random_state(foreign.guided_shapes(**TINY_GUIDED, inputs=8, features=24))
    layout = guided_unet_layout(state, attention_layout="fmboost")
    network = built(layout, layout.read(state))
    x = torch.randn(2, 8, *size, generator=torch.Generator().manual_seed(1))
    t = torch.tensor([0.0, 0.7])
    expected = foreign.guided_unet(state, x, t, heads=4, fmboost=True)
    v = network(x[:, :4], t, context=x[:, 4:])
    assert torch.allclose(v, expected, atol=1e-4 * float(expected.abs().max()))


@pytest.mark.parametrize("name", SMALL)
def test_what_does_not_fit_is_named(name: str) -> None:
    shapes, layout_of = SMALL[name]
    state = foreign.random_state(shapes)
    lost = next(key for key in state if key.endswith(("fc2.weight", "out_layers.3.weight", "conv1.weight")))
    odd = {key: value for key, value in state.items() if key != lost} | {"stranger.weight": torch.zeros(1)}
    with pytest.raises(NotThisNetworkError) as error:
        layout_of(odd).read(odd)
    assert f"1 missing: {lost}" in str(error.value)
    assert "1 unknown: stranger.weight" in str(error.value)
    state[lost] = state[lost][..., :1]
    with pytest.raises(NotThisNetworkError, match=f"1 of another shape: {lost}"):
        layout_of(state).read(state)


def test_trained_positions_are_not_taken_for_the_table() -> None:
    state = foreign.random_state(foreign.dit_shapes(48, 1, side=8))
    state["pos_embed"] = state["pos_embed"] + 0.01
    with pytest.raises(NotThisNetworkError, match="1 not as it is computed: pos_embed"):
        dit_layout(state, heads=3).read(state)


@pytest.mark.parametrize("layout_of", [dit_layout, guided_unet_layout, edm_unet_layout])
def test_other_weights_are_refused(layout_of: Read) -> None:
    with pytest.raises(NotThisNetworkError, match=r"there is no '\w+.*' among fc\.weight"):
        layout_of({"fc.weight": torch.zeros(2, 2)})


@pytest.mark.parametrize(
    ("state", "layout_of", "message"),
    [
        (foreign.dit_shapes(48, 1, side=8), dit_layout, "48 wide has no published number of attention heads"),
        (foreign.guided_shapes(32, (2, 2), 1, ()), guided_unet_layout, r"of 64 channels|first level"),
        (foreign.edm_shapes(64, (1, 2), 1, (), side=8), edm_unet_layout, r"128 or more; got \[64\]"),
    ],
)
def test_what_is_unknown_is_said(state: foreign.Shapes, layout_of: Read, message: str) -> None:
    with pytest.raises(NotThisNetworkError, match=message):
        layout_of(foreign.random_state(state))
