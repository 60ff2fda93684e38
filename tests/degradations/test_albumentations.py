"""The transforms of another package, image by image."""

import pytest
import torch
from torch import Tensor

from cfmrestore.degradations.albumentations import Albumentations
from cfmrestore.ops.rng import ImageRng


def images(count: int = 1, height: int = 16, width: int = 20) -> Tensor:
    return torch.rand(count, 3, height, width, generator=torch.Generator().manual_seed(0))


def transform(x: Tensor, *transforms: dict, seeds: range | None = None, uint8: bool = True) -> Tensor:
    return Albumentations(transforms=transforms, uint8=uint8)(x, ImageRng(seeds or range(len(x))))


def test_images_arrive_as_rgb_of_8_bits() -> None:
    x = images(3)
    flipped = transform(x, {"type": "HorizontalFlip", "p": 1})
    assert torch.equal(flipped, (255 * x.flip(-1)).round() / 255)
    red = torch.tensor([0.8, 0.2, 0.2])[None, :, None, None].expand(1, 3, 4, 4)
    gray = transform(red, {"type": "ToGray", "p": 1})
    assert torch.allclose(gray, torch.full_like(red, 0.299 * 0.8 + 0.701 * 0.2), atol=1.1 / 255)


def test_or_as_floats_within_their_range() -> None:
    x = images() * 1.4 - 0.2
    assert torch.equal(transform(x, {"type": "HorizontalFlip", "p": 1}, uint8=False), x.flip(-1).clamp(0, 1))


def test_transforms_of_a_chain_draw_independently() -> None:
    x = images(1, 8, 8).expand(100, -1, -1, -1)
    chain = [{"type": name, "p": 0.5} for name in ("HorizontalFlip", "VerticalFlip", "Transpose")]
    assert len({one.numpy().tobytes() for one in transform(x, *chain)}) == 8


def test_choices_may_be_nested() -> None:
    x = images(1, 8, 8).expand(50, -1, -1, -1)
    flips = [{"type": "HorizontalFlip", "p": 1}, {"type": "VerticalFlip", "p": 1}]
    assert len({one.numpy().tobytes() for one in transform(x, {"type": "OneOf", "transforms": flips, "p": 1})}) == 2


def test_threads_do_not_share_a_random_state() -> None:
    x, threads = images(1, 64, 64).expand(40, -1, -1, -1), torch.get_num_threads()
    noise = Albumentations(transforms=[{"type": "ISONoise", "p": 1}, {"type": "GaussNoise", "p": 0.5}])
    torch.set_num_threads(4)
    together = noise(x, ImageRng(range(40)))
    torch.set_num_threads(threads)
    assert len({one.numpy().tobytes() for one in together}) == 40
    for i in range(40):
        assert torch.equal(noise(x[:1], ImageRng([i]))[0], together[i])


@pytest.mark.parametrize(
    "cfg", [{"type": "Resize", "height": 8, "width": 8}, {"type": "Normalize"}, {"type": "Transpose"}]
)
def test_sizes_and_types_must_stay(cfg: dict) -> None:
    with pytest.raises(ValueError, match=r"must keep size, channels and type, \(16, 20, 3\) uint8"):
        transform(images(), {**cfg, "p": 1})


@pytest.mark.parametrize(
    ("cfg", "message"),
    [
        ({"type": "RandomFg"}, "albumentations has no 'RandomFg'; did you mean 'RandomFog'"),
        ({"type": "OneOf", "transforms": [{"type": "MotionBlr"}]}, "did you mean 'MotionBlur'"),
        ({"type": "MotionBlur", "blur_limt": 5}, "MotionBlur has no key 'blur_limt'; did you mean 'blur_limit'"),
        ({"type": "core"}, "albumentations has no 'core'"),
        ({"p": 1}, "albumentations has no ''"),
    ],
)
def test_mistakes_show_when_it_is_built(cfg: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Albumentations(transforms=[cfg])
