"""The Inception network of FID: torchvision's where both agree, and patched where they do not."""

import hashlib
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cfmrestore._compat import patch_torchvision
from cfmrestore.features import InceptionV3, inception
from cfmrestore.features.inception import WEIGHTS


def randomize(network: nn.Module) -> None:
    """Weights and statistics of all layers, so that none is without effect."""
    generator = torch.Generator().manual_seed(0)
    for name, value in network.state_dict().items():
        if name.endswith(("running_var", "bn.weight")):
            value.uniform_(0.7, 1.3, generator=generator)
        elif value.dim() > 1:
            nn.init.kaiming_normal_(value, generator=generator)
        elif value.is_floating_point():
            value.normal_(0, 0.1, generator=generator)


@pytest.fixture(scope="module")
def torchvisions() -> nn.Module:
    patch_torchvision()
    models = import_module("torchvision.models")
    network = models.inception_v3(weights=None, num_classes=1008, aux_logits=False, init_weights=False)
    randomize(network)
    return network.eval()


@pytest.fixture(scope="module")
def file(torchvisions: nn.Module, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    path = tmp_path_factory.mktemp("weights") / WEIGHTS
    weights = {name: value for name, value in torchvisions.state_dict().items() if "num_batches" not in name}
    torch.save(weights, path)
    yield path
    path.unlink()


@pytest.fixture(scope="module")
def network(file: Path) -> InceptionV3:
    return inception(file)


def test_shapes_and_number_of_weights(network: InceptionV3, torchvisions: nn.Module) -> None:
    assert sum(parameter.numel() for parameter in network.parameters()) == 23_850_960
    shapes = {name: value.shape for name, value in network.state_dict().items()}
    assert shapes == {name: value.shape for name, value in torchvisions.state_dict().items()}
    features = network(torch.rand(2, 3, 64, 96))
    assert features.shape == (2, InceptionV3.dim)
    assert network.fc(features).shape == (2, 1008)
    assert not any(parameter.requires_grad for parameter in network.parameters())
    assert not network.train().training


@pytest.mark.parametrize(
    ("names", "shape"),
    [
        (("Conv2d_1a_3x3", "Conv2d_2a_3x3", "Conv2d_2b_3x3"), (2, 3, 21, 25)),
        (("Conv2d_3b_1x1", "Conv2d_4a_3x3"), (2, 64, 9, 11)),
        (("Mixed_6a",), (2, 288, 11, 13)),
        (("Mixed_7a",), (2, 768, 11, 13)),
    ],
)
def test_unpatched_layers_equal_torchvisions(
    names: tuple[str, ...], shape: tuple[int, ...], network: InceptionV3, torchvisions: nn.Module
) -> None:
    x = y = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    for name in names:
        x, y = getattr(network, name)(x), getattr(torchvisions, name)(y)
    assert torch.equal(x, y)


@pytest.mark.parametrize("name", [f"Mixed_{x}" for x in ("5b", "5c", "5d", "6b", "6c", "6d", "6e", "7b", "7c")])
def test_patched_blocks(name: str, network: InceptionV3, torchvisions: nn.Module) -> None:
    own, other = getattr(network, name), getattr(torchvisions, name)
    channels = own.branch1x1.conv.in_channels
    x = torch.randn(2, channels, 6, 7, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        found, unpatched = own(x), other(x)
        pooled = own.branch_pool(naive_pool(x, last=name == "Mixed_7c"))
    width = pooled.shape[1]
    assert torch.equal(found[:, :-width], unpatched[:, :-width])
    assert torch.allclose(found[:, -width:], pooled, atol=1e-5)
    # torchvision's average is darker at the borders, and the same within; the last block is another everywhere.
    assert not torch.allclose(found, unpatched, atol=1e-3)
    inside = (slice(None), slice(-width, None), slice(1, -1), slice(1, -1))
    assert torch.allclose(found[inside], unpatched[inside], atol=1e-5) == (name != "Mixed_7c")


def naive_pool(x: Tensor, *, last: bool) -> Tensor:
    """Windows of 3x3, cut off at the borders."""
    rows = [
        torch.stack(
            [
                window.amax(dim=(-2, -1)) if last else window.mean(dim=(-2, -1))
                for j in range(x.shape[-1])
                for window in [x[..., max(i - 1, 0) : i + 2, max(j - 1, 0) : j + 2]]
            ],
            dim=-1,
        )
        for i in range(x.shape[-2])
    ]
    return torch.stack(rows, dim=-2)


def test_equal_to_torchvisions_network_patched_from_outside(
    network: InceptionV3, torchvisions: nn.Module, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocks = import_module("torchvision.models.inception")
    average = F.avg_pool2d
    x = torch.rand(1, 3, 200, 500, generator=torch.Generator().manual_seed(2))
    resized = 2 * F.interpolate(x, size=(299, 299), mode="bilinear", align_corners=False, antialias=False) - 1

    class Functional:
        """torch.nn.functional as torchvision sees it."""

        def __getattr__(self, name: str) -> object:
            return getattr(F, name)

        def avg_pool2d(self, x: Tensor, **keys: int) -> Tensor:
            if x.shape[1] == 2048:
                return F.max_pool2d(x, **keys)
            return average(x, **keys, count_include_pad=False)

    def expected() -> Tensor:
        with torch.no_grad():
            return torchvisions(resized)

    unpatched = expected()
    monkeypatch.setattr(blocks, "F", Functional())
    found = network.fc(network(x))
    assert torch.allclose(found, expected(), rtol=1e-3, atol=1e-3 * float(found.std()))
    assert not torch.allclose(found, unpatched, rtol=1e-2, atol=1e-2 * float(found.std()))


def test_probabilities_leave_out_the_bias(network: InceptionV3) -> None:
    features = torch.rand(3, 2048, generator=torch.Generator().manual_seed(3))
    expected = (network.fc(features) - network.fc.bias).softmax(dim=1)
    found = network.probabilities(features)
    assert torch.allclose(found, expected, atol=1e-5)
    assert torch.allclose(found.sum(dim=1), torch.ones(3))
    assert not torch.allclose(found, network.fc(features).softmax(dim=1), atol=1e-5)


def test_weights_are_found_and_checked(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.hub, "_hub_dir", str(tmp_path))
    module = sys.modules[InceptionV3.__module__]  # the package has a function of that name
    monkeypatch.setattr(module, "_MIRROR", (tmp_path / "mirror").as_uri())
    with pytest.raises(ValueError, match=rf"needs the weights {WEIGHTS}, and there is no file .* put it into .*points"):
        inception()
    (tmp_path / "checkpoints" / WEIGHTS).symlink_to(file)
    found, by_folder = inception(), inception(str(file.parent))
    assert torch.equal(found.fc.weight, by_folder.fc.weight)
    assert not any(counter.any() for name, counter in found.named_buffers() if "num_batches" in name)
    inception(file, sha256=hashlib.sha256(file.read_bytes()).hexdigest())
    with pytest.raises(ValueError, match="damaged or another file"):
        inception(file, sha256="0" * 64)
    other = tmp_path / "other.pth"
    torch.save({"fc.bias": torch.zeros(1000)}, other)
    with pytest.raises(ValueError, match=r"is of another network: .* it has nothing"):
        inception(other)
    other.write_text("<html>")
    with pytest.raises(ValueError, match=r"other\.pth is no file of weights"):
        inception(other)
    torch.save([1, 2], other)
    with pytest.raises(ValueError, match="holds a list"):
        inception(other)
