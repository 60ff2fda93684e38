"""Backbones of perceptual distances, and the seeded network."""

from importlib import import_module
from pathlib import Path

import pytest
import torch
from torch import nn

from cfmrestore._compat import patch_torchvision
from cfmrestore.features import Backbone, Extractor, SeededNet
from cfmrestore.features.backbones import KINDS

X = torch.randn(2, 3, 64, 80, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("net", ["alex", "squeeze"])
def test_loads_torchvisions_file(net: str, tmp_path: Path) -> None:
    patch_torchvision()
    with torch.random.fork_rng():
        torch.manual_seed(1)
        reference = getattr(import_module("torchvision.models"), KINDS[net].model)(weights=None).eval()
    torch.save(reference.state_dict(), tmp_path / "any.pth")
    backbone = Backbone(net, tmp_path / "any.pth")
    maps = backbone(X)
    for tap, found in zip(backbone.taps, maps, strict=True):
        assert torch.equal(found, reference.features[: tap + 1](X))
    assert torch.equal(reference.features[: max(backbone.taps) + 1](X), maps[-1])


@pytest.mark.parametrize("net", sorted(KINDS))
def test_maps_are_not_negative_and_have_the_declared_channels(net: str) -> None:
    backbone = Backbone(net, "random")
    maps = backbone(X)
    assert tuple(y.shape[1] for y in maps) == backbone.channels
    assert all(y.min() == 0 for y in maps)
    assert all(y.std() > 0.01 for y in maps)
    assert [y.shape[-1] for y in maps] == sorted((y.shape[-1] for y in maps), reverse=True)
    assert not any(parameter.requires_grad or parameter.is_meta for parameter in backbone.parameters())


def test_random_weights_are_seeded() -> None:
    state = torch.get_rng_state()
    a, b, c = (Backbone("alex", "random", seed=seed)(X)[-1] for seed in (0, 0, 1))
    assert torch.equal(a, b)
    assert not torch.equal(a, c)
    assert torch.equal(torch.get_rng_state(), state)


def test_pool_is_replaced() -> None:
    backbone = Backbone("vgg", "random", pool=lambda: nn.AvgPool2d(2))
    assert sum(isinstance(layer, nn.AvgPool2d) for layer in backbone.features) == 4
    assert not any(isinstance(layer, nn.MaxPool2d) for layer in backbone.features)


def test_mistakes_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.hub, "_hub_dir", str(tmp_path))
    monkeypatch.setattr("cfmrestore.features.backbones._MIRROR", (tmp_path / "mirror").as_uri())
    with pytest.raises(ValueError, match="net must be one of 'alex', 'vgg', 'squeeze'; got 'vgg19'"):
        Backbone("vgg19", "random")
    with pytest.raises(ValueError, match=r"'squeeze' needs the weights squeezenet1_1-b8a52dc0\.pth, and there is no"):
        Backbone("squeeze", None)
    torch.save({"features.0.weight": torch.zeros(1)}, tmp_path / "other.pth")
    with pytest.raises(ValueError, match=r"features\.0\.weight should have \(64, 3, 11, 11\); it has \(1,\)"):
        Backbone("alex", tmp_path / "other.pth")


def test_seeded_net() -> None:
    state = torch.get_rng_state()
    network, image = SeededNet(seed=1), torch.rand(2, 3, 33, 40, generator=torch.Generator().manual_seed(0))
    assert isinstance(network, Extractor)
    features = network(image)
    assert features.shape == (2, SeededNet.dim)
    assert torch.equal(features, SeededNet(seed=1)(image))
    assert not torch.equal(features, SeededNet(seed=2)(image))
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.allclose(network.probabilities(features).sum(dim=1), torch.ones(2))
    assert (features[0] - features[1]).abs().max() > 1e-3
    assert [y.shape[-1] for y in network.maps(image)] == [20, 10, 5]
    assert not network.train().training
    assert network(image[:, :, :1, :1]).isfinite().all()
