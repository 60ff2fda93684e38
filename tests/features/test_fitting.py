"""Extractors that are trained where they are needed."""

import pytest
import torch
from torch import Tensor

from cfmrestore.datasets import Digits, Scenes
from cfmrestore.features import DigitClassifier, SceneSegmenter, SeededNet
from cfmrestore.features.fitting import fit


def loss(network: SeededNet) -> Tensor:
    return network(torch.rand(4, 3, 16, 16)).square().mean()


def test_a_training_is_the_same_whatever_is_around() -> None:
    torch.manual_seed(1)
    state = torch.get_rng_state()
    first = fit(SeededNet, loss, steps=3, rate=1e-2)
    assert torch.equal(state, torch.get_rng_state())
    threads = torch.get_num_threads()
    torch.manual_seed(2)
    torch.set_num_threads(2)
    try:
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
            again = fit(SeededNet, loss, steps=3, rate=1e-2)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(threads)
    assert first.digest() == again.digest() != SeededNet().digest()
    assert not any(parameter.requires_grad for parameter in first.parameters())
    assert not first.training


@pytest.mark.slow
def test_digits_are_recognized() -> None:
    network, data = DigitClassifier.load(), Digits(split="held_out")
    images = torch.stack([data[index]["inputs"]["high"] for index in range(len(data))]).float() / 255
    found = network.probabilities(network(images)).argmax(dim=1)
    assert (found == torch.from_numpy(data.labels)).double().mean() > 0.98
    enlarged = images.repeat_interleave(4, dim=2).repeat_interleave(4, dim=3)
    assert torch.allclose(network(enlarged), network(images), atol=1e-3)
    with pytest.raises(ValueError, match="DigitClassifier has no file of weights, it is trained"):
        DigitClassifier.load("digits.pth")


@pytest.mark.slow
def test_pixels_of_scenes_are_recognized_also_those_of_classes_of_one_color() -> None:
    network, data = SceneSegmenter.load(), Scenes(split="held_out", length=140)
    scenes = [data[index]["inputs"] for index in range(100, 140)]  # not those that its own accuracy is of
    found = network.class_map(torch.stack([one["high"] for one in scenes]).float() / 255)
    truth = torch.stack([one["map"] for one in scenes])
    for label in range(6):
        assert (found[truth == label] == label).double().mean() > 0.9
    assert (found == truth).double().mean() > 0.95


def test_what_has_no_classes_of_pixels_says_so() -> None:
    with pytest.raises(ValueError, match="SeededNet gives no classes of pixels, as SceneSegmenter does"):
        SeededNet.load().class_map(torch.zeros(1, 3, 8, 8))
