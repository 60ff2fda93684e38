"""Patches: the same places for the real and the restored image, all inside, and spread evenly."""

import pytest
import torch

from cfmrestore.evaluation.patches import cut_patches, patch_places


def check_places(places=patch_places) -> None:
    torch.manual_seed(0)
    first = places(3, "a.png", (40, 70), 16, 500)
    torch.manual_seed(1)
    assert torch.equal(first, places(3, "a.png", (40, 70), 16, 500))
    assert not torch.equal(first, places(4, "a.png", (40, 70), 16, 500))
    assert not torch.equal(first, places(3, "b.png", (40, 70), 16, 500))
    assert first.shape == (500, 2)
    assert first.min(dim=0).values.tolist() == [0, 0]
    assert first.max(dim=0).values.tolist() == [40 - 16, 70 - 16]
    assert (first.double().mean(dim=0) - torch.tensor([12, 27])).abs().max() < 2.5
    assert abs(torch.corrcoef(first.double().T)[0, 1]) < 0.15


def test_places() -> None:
    check_places()
    assert patch_places(0, 7, (16, 16), 16, 2).tolist() == [[0, 0], [0, 0]]
    assert patch_places(0, 7, (16, 16), 8, 0).shape == (0, 2)
    assert torch.equal(patch_places(0, 7, (90, 90), 8, 5), patch_places(0, 7, (90, 90), 8, 5))


@pytest.mark.parametrize("name", ["unseeded", "blind to the image", "last row missed"])
def test_places_reject(name: str) -> None:
    def mutant(seed: int, image_id: str, size: tuple[int, int], patch: int, count: int) -> torch.Tensor:
        if name == "unseeded":
            return torch.stack([torch.randint(0, side - patch + 1, (count,)) for side in size], dim=1)
        if name == "blind to the image":
            return patch_places(seed, 0, size, patch, count)
        return patch_places(seed, image_id, (size[0] - 1, size[1]), patch, count)

    with pytest.raises(AssertionError):
        check_places(mutant)


def test_cut() -> None:
    image = torch.arange(3 * 20 * 30.0).reshape(3, 20, 30)
    places = patch_places(0, 0, (20, 30), 5, 4)
    patches = cut_patches(image, places, 5)
    assert patches.shape == (4, 3, 5, 5)
    for patch, (top, left) in zip(patches, places.tolist(), strict=True):
        assert torch.equal(patch, image[:, top : top + 5, left : left + 5])
    assert cut_patches(image, places[:0], 5).shape == (0, 3, 5, 5)


def test_mistakes_are_named() -> None:
    for patch in (0, 21):
        with pytest.raises(ValueError, match=f"{patch=} in 20x30"):
            patch_places(0, 0, (20, 30), patch, 1)
    with pytest.raises(ValueError, match=r"\(16, 3\) leaves the image of 20x30"):
        cut_patches(torch.zeros(3, 20, 30), torch.tensor([[16, 3]]), 5)
