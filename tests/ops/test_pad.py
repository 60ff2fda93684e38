"""Padding by reflection and to multiples."""

import numpy as np
import pytest
import torch

from cfmrestore.ops.pad import crop_to, pad_to_multiple, reflect_pad, symmetric_pad


@pytest.mark.parametrize("size", [(1, 1), (2, 5), (9, 4)])
def test_reflection_is_numpys_for_any_amount(size: tuple[int, int]) -> None:
    x = torch.rand(2, 3, *size)
    ours = reflect_pad(x, 7, 3, 5, 12)
    theirs = np.pad(x.numpy(), [(0, 0), (0, 0), (7, 3), (5, 12)], mode="reflect")
    assert np.array_equal(ours.numpy(), theirs)


def test_padding_to_a_multiple_is_undone_by_cropping() -> None:
    x = torch.rand(1, 3, 13, 16)
    padded = pad_to_multiple(x, 8)
    assert padded.shape == (1, 3, 16, 16)
    assert torch.equal(crop_to(padded, (13, 16)), x)


@pytest.mark.parametrize("size", [(1, 1), (1, 2), (2, 5), (9, 4)])
@pytest.mark.parametrize("margin", [0, 1, 2, 3])
def test_edges_are_mirrored_as_by_numpy(size: tuple[int, int], margin: int) -> None:
    x = torch.rand(2, 3, *size)
    theirs = np.pad(x.numpy(), [(0, 0), (0, 0), (margin, margin), (margin, margin)], mode="symmetric")
    assert np.array_equal(symmetric_pad(x, margin).numpy(), theirs)
