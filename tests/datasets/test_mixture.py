"""Mixtures: shares that hold in every epoch, every image in turn, and no crop twice."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from cfmrestore.datasets import Draw, DrawSampler, Mixture
from tests.testing import write_images

CROP = [{"type": "RandomCrop", "size": 16}]


def mixture(tmp_path: Path, sizes: tuple[int, ...], **keys) -> Mixture:
    folders = [str(write_images(tmp_path / str(number), count=count)) for number, count in enumerate(sizes)]
    return Mixture(datasets=[{"type": "ImageFolder", "data_root": one, "pipeline": CROP} for one in folders], **keys)


def test_shares_hold_and_every_image_has_its_turn(tmp_path: Path) -> None:
    mixed = mixture(tmp_path, (2, 6), weights=(3, 1))
    assert len(mixed) == 8
    drawn = Counter(mixed._place(index, epoch)[:2] for epoch in range(3) for index in range(len(mixed)))
    assert [sum(n for (source, _), n in drawn.items() if source == which) for which in (0, 1)] == [18, 6]
    assert {drawn[0, image] for image in range(2)} == {9}
    assert {drawn[1, image] for image in range(6)} == {1}


def test_by_default_each_image_comes_once_an_epoch(tmp_path: Path) -> None:
    mixed = mixture(tmp_path, (2, 5))
    assert {mixed._place(index, 4)[:2] for index in range(7)} == {(0, 0), (0, 1), *((1, n) for n in range(5))}
    assert len({mixed.name(index) for index in range(7)}) == 7


def test_no_draw_of_an_image_is_another_and_a_draw_is_always_the_same(tmp_path: Path) -> None:
    mixed = mixture(tmp_path, (1, 4), weights=(4, 1))
    draws = [Draw(index, epoch, 0) for epoch in range(3) for index in range(5)]
    seeds = [mixed[draw]["data_samples"]["seed"] for draw in draws]
    assert len(set(seeds)) == len(seeds)
    assert seeds == [
        mixture(tmp_path / "again", (1, 4), weights=(4, 1))[draw]["data_samples"]["seed"] for draw in draws
    ]
    assert not np.array_equal(mixed[draws[0]]["inputs"]["high"], mixed[draws[1]]["inputs"]["high"])


def test_the_sampler_goes_through_it(tmp_path: Path) -> None:
    mixed = mixture(tmp_path, (2, 2))
    stream = iter(DrawSampler(dataset=mixed))
    assert {mixed[next(stream)]["inputs"]["high"].shape for _ in range(8)} == {(3, 16, 16)}


def test_a_damaged_mixture_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="a weight a dataset"):
        mixture(tmp_path, (1, 1), weights=(1,))
    with pytest.raises(ValueError, match="positive"):
        mixture(tmp_path / "other", (1, 1), weights=(1, 0))
    with pytest.raises(ValueError, match="got 0 datasets"):
        Mixture(datasets=[])
