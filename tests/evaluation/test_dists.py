"""DISTS against an independent writing."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cfmrestore.evaluation.functional.dists import DISTSNetwork, L2Pool
from cfmrestore.features.backbones import Backbone
from tests.evaluation.test_lpips import images


@pytest.fixture
def dists_file(tmp_path: Path) -> Path:
    generator = torch.Generator().manual_seed(2)
    weights = {name: torch.rand(1, 1475, 1, 1, generator=generator) for name in ("alpha", "beta")}
    torch.save(weights, tmp_path / "weights.pt")
    return tmp_path / "weights.pt"


def naive_pool(x: Tensor) -> Tensor:
    """The nine places of a window one by one."""
    window = np.outer([0.5, 1, 0.5], [0.5, 1, 0.5])
    window /= window.sum()
    height, width = (x.shape[-2] + 1) // 2, (x.shape[-1] + 1) // 2
    padded = F.pad(x.double() ** 2, (1, 2, 1, 2))
    total = torch.zeros(*x.shape[:2], height, width, dtype=torch.float64)
    for i in range(3):
        for j in range(3):
            total += window[i, j] * padded[..., i : i + 2 * height : 2, j : j + 2 * width : 2]
    return (total + 1e-12).sqrt().to(x)


def naive_dists(a: Tensor, b: Tensor, weights: dict[str, Tensor], pool=naive_pool) -> float:
    """One pair; channel by channel with numpy's covariance."""
    convolutions = [layer for layer in Backbone("vgg", "random").features if isinstance(layer, nn.Conv2d)]

    def maps(image: Tensor) -> list[Tensor]:
        found, counter = [image], 0
        x = (image - torch.tensor([0.485, 0.456, 0.406])[:, None, None]) / torch.tensor([0.229, 0.224, 0.225])[
            :, None, None
        ]
        for stage, depth in enumerate((2, 2, 3, 3, 3)):
            x = pool(x) if stage else x
            for _ in range(depth):
                x = F.conv2d(x, convolutions[counter].weight, convolutions[counter].bias, padding=1).clamp_min(0)
                counter += 1
            found.append(x)
        return found

    total, index = 0.0, 0
    for x, y in zip(maps(a), maps(b), strict=True):
        for p, q in zip(x[0].flatten(1).double().numpy(), y[0].flatten(1).double().numpy(), strict=True):
            cov = np.cov(p, q, bias=True)
            mean_x, mean_y = p.mean(), q.mean()
            alpha, beta = (float(weights[name].flatten()[index]) for name in ("alpha", "beta"))
            total += alpha * (2 * mean_x * mean_y + 1e-6) / (mean_x**2 + mean_y**2 + 1e-6)
            total += beta * (2 * cov[0, 1] + 1e-6) / (cov[0, 0] + cov[1, 1] + 1e-6)
            index += 1
    return 1 - total / float(weights["alpha"].double().sum() + weights["beta"].double().sum())


def test_dists_equals_an_independent_writing(dists_file: Path) -> None:
    metric = DISTSNetwork("random", weights=dists_file)
    weights = torch.load(dists_file, weights_only=True)
    a, b = images(41, 48)
    found = metric(a, b).tolist()
    with torch.no_grad():
        expected = [naive_dists(x[None], y[None], weights) for x, y in zip(a, b, strict=True)]
        mutants = [
            naive_dists(a[1:], b[1:], weights, pool=lambda x: F.max_pool2d(x, 2, ceil_mode=True)),
            naive_dists(a[1:], b[1:], {"alpha": weights["beta"], "beta": weights["alpha"]}),
        ]
    assert np.allclose(found, expected, rtol=0, atol=2e-6)
    for mutant in mutants:
        assert not np.isclose(found[1], mutant, rtol=0, atol=1e-4)
    assert found[0] < found[1]
    assert metric(a, a).abs().max() < 1e-5
    assert torch.allclose(metric(a, b), metric(b, a), atol=1e-6)


def test_l2_pool() -> None:
    x = torch.randn(2, 4, 9, 12, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(L2Pool()(x), naive_pool(x), atol=1e-6)
    inside = L2Pool()(torch.full((1, 1, 8, 8), -3.0))[..., 1:-1, 1:-1]
    assert torch.allclose(inside, torch.full_like(inside, 3.0))


def test_dists_passes_gradients_and_names_mistakes(dists_file: Path, tmp_path: Path) -> None:
    metric = DISTSNetwork("random", weights=dists_file.parent)
    a, b = images(32, 32)
    metric(a, b.requires_grad_()).sum().backward()
    assert b.grad.isfinite().all()
    assert b.grad.abs().sum() > 0
    with pytest.raises(ValueError, match="size and channels"):
        metric(a, a[..., 1:])
    with pytest.raises(ValueError, match=r"DISTS needs the weights weights\.pt, and there is no file '.*gone\.pt'"):
        DISTSNetwork("random", weights=tmp_path / "gone.pt")
    with pytest.raises(ValueError, match=r"'vgg' needs the weights vgg16-397923af\.pth"):
        DISTSNetwork(tmp_path, weights=dists_file)
    torch.save({"alpha": torch.zeros(1, 1475, 1, 1)}, tmp_path / "half.pt")
    with pytest.raises(ValueError, match=r"beta should have \(1, 1475, 1, 1\); it has nothing"):
        DISTSNetwork("random", weights=tmp_path / "half.pt")
