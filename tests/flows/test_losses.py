"""Losses against hand-computed values."""

import pytest
import torch

from cfmrestore.flows.losses import MSE, Huber, Loss, Perceptual, Prediction
from cfmrestore.registry import LOSSES

LOSSES.import_from_location()
NEEDED = {"Perceptual": {"backbone": "random", "net": "alex"}}


def prediction(error: float, t: float = 0.5, batch: int = 2) -> Prediction:
    target = torch.rand(batch, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    v = torch.zeros(batch, 4, 8, 8).add_(error).requires_grad_()
    restored = lambda: target + v.mean(1, keepdim=True).repeat_interleave(8, 2).repeat_interleave(8, 3)  # noqa: E731
    return Prediction(v, torch.zeros(batch, 4, 8, 8), torch.full((batch,), t), target, restored)


def check_loss(loss: Loss) -> None:
    perfect, wrong, worse = (loss(prediction(e)) for e in (0.0, 0.2, 0.5))
    assert perfect.shape == (2,)
    assert perfect.abs().max() < 1e-6
    assert (wrong < worse).all()
    assert (wrong > 0).all()
    made = prediction(0.2)
    loss(made).sum().backward()
    assert made.v.grad.abs().sum() > 0


@pytest.mark.parametrize("name", sorted(LOSSES.module_dict))
def test_contract(name: str) -> None:
    check_loss(LOSSES.build({"type": name, **NEEDED.get(name, {})}))


class Detached(MSE):
    """No gradient reaches the network."""

    def __call__(self, prediction):
        return super().__call__(prediction).detach().requires_grad_()


def test_contract_rejects_its_mutant() -> None:
    with pytest.raises((AssertionError, AttributeError)):
        check_loss(Detached())


def test_values() -> None:
    assert torch.allclose(MSE()(prediction(0.3)), torch.tensor(0.09))
    assert torch.allclose(Huber(delta=0.1)(prediction(0.3)), torch.tensor(0.1 * (0.3 - 0.05)))


def test_perceptual_counts_late_times_only_and_names_a_missing_backbone(tmp_path) -> None:
    late = Perceptual(backbone="random", net="alex", after=0.7)
    assert late(prediction(0.3, t=0.5)).abs().max() == 0
    assert late(prediction(0.3, t=0.9)).min() > 0
    with pytest.raises(ValueError, match=r"there is no file 'vgg\.pth'"):
        Perceptual(backbone="vgg.pth")
    torch.save({"features.0.weight": torch.zeros(1)}, tmp_path / "other.pth")
    with pytest.raises(ValueError, match="missing or misshapen"):
        Perceptual(backbone=str(tmp_path / "other.pth"), net="alex")


def test_perceptual_in_the_features_of_an_extractor() -> None:
    loss = Perceptual(net="EfficientNetLite")
    check_loss(loss)
    made = prediction(0.2)
    assert torch.equal(loss(made), loss.frozen.distance(made.restored(), made.target))
    assert not any(parameter.requires_grad for parameter in loss.frozen.parameters())
    assert Perceptual(net="EfficientNetLite", after=0.7)(prediction(0.3)).abs().max() == 0
    with pytest.raises(ValueError, match="net is vgg, alex, squeeze, or a feature extractor; got 'resnet'"):
        Perceptual(net="resnet")
    with pytest.raises(ValueError, match="in 'vgg' needs backbone"):
        Perceptual()


def test_perceptual_loads_torchvisions_weights(tmp_path) -> None:
    from cfmrestore._compat import patch_torchvision

    patch_torchvision()
    import torchvision

    torch.manual_seed(1)
    alexnet = torchvision.models.alexnet(weights=None)
    torch.save(alexnet.state_dict(), tmp_path / "alexnet.pth")
    loss = Perceptual(backbone=str(tmp_path / "alexnet.pth"), net="alex")
    x = torch.rand(1, 3, 64, 64)
    expected = alexnet.features[:2](x)
    assert torch.allclose(loss.network.net.slice1(x), expected)
