"""LPIPS against the package lpips."""

import re
from pathlib import Path

import pytest
import torch
from torch import Tensor

from cfmrestore._compat import patch_torchvision
from cfmrestore.evaluation.functional.lpips import LPIPSNetwork
from cfmrestore.features.backbones import KINDS


def images(height: int = 72, width: int = 80) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    a = torch.rand(2, 3, height, width, generator=generator)
    noise = torch.randn(a.shape, generator=generator) * torch.tensor([0.05, 0.3])[:, None, None, None]
    return a, (a + noise).clamp(0, 1)


@pytest.mark.parametrize("net", sorted(KINDS))
def test_lpips_equals_the_package(net: str, tmp_path: Path) -> None:
    patch_torchvision()
    import lpips

    with torch.random.fork_rng():
        torch.manual_seed(1)
        reference = lpips.LPIPS(net=net, pnet_rand=True, verbose=False).eval()
    weights = {re.sub(r"^slice\d+", "features", name): value for name, value in reference.net.state_dict().items()}
    torch.save(weights, tmp_path / KINDS[net].file)
    metric = LPIPSNetwork(net, tmp_path)
    a, b = images()
    expected = reference(a, b, normalize=True).flatten().detach()
    assert torch.allclose(metric(a, b), expected, rtol=1e-4, atol=1e-7)
    assert expected[0] < 0.9 * expected[1]
    # Mutants: images not scaled to [-1, 1]; the other order of channels.
    assert not torch.allclose(metric(a, b), reference(a, b).flatten(), rtol=1e-3)
    assert not torch.allclose(metric(a.flip(1), b.flip(1)), expected, rtol=1e-3)
    assert torch.equal(metric(a, a), torch.zeros(2))
    # An image alone has the number that it has in a batch.
    assert torch.allclose(metric(a[1:], b[1:]), metric(a, b)[1:], rtol=1e-5)


def test_lpips_passes_gradients_and_names_mistakes(tmp_path: Path) -> None:
    metric = LPIPSNetwork("alex", "random")
    a, b = images()
    metric(a, b.requires_grad_()).sum().backward()
    assert b.grad.abs().sum() > 0
    assert not any(parameter.requires_grad for parameter in metric.parameters())
    with pytest.raises(ValueError, match="size and channels"):
        metric(a, a[..., 1:])
    with pytest.raises(ValueError, match="'alex', 'vgg', 'squeeze'; got 'resnet'"):
        LPIPSNetwork("resnet", "random")
    with pytest.raises(ValueError, match=r"'alex' needs the weights alexnet-owt-7be5be79\.pth, and there is no file"):
        LPIPSNetwork("alex", tmp_path)
    with pytest.raises(ValueError, match=r"LPIPS needs the weights alex\.pth"):
        LPIPSNetwork("alex", "random", linear=tmp_path)
    torch.save({"lin0.model.1.weight": torch.zeros(1, 64, 1, 1)}, tmp_path / "alex.pth")
    with pytest.raises(ValueError, match=r"lin1\.model\.1\.weight should have \(1, 192, 1, 1\); it has nothing"):
        LPIPSNetwork("alex", "random", linear=tmp_path)
