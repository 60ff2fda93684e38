"""Work image by image: in order, on one thread each, and safe beside other threads and after a fork."""

import multiprocessing
import signal
import threading

import pytest
import torch

from cfmrestore.ops.parallel import map_images


@pytest.fixture
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def test_every_image_has_one_thread(two_threads) -> None:
    assert map_images(lambda i: (i, torch.get_num_threads()), range(6)) == [(i, 1) for i in range(6)]
    assert torch.get_num_threads() == 2
    seen: list[int] = []
    other = threading.Thread(target=lambda: seen.append(torch.get_num_threads()))
    other.start()
    other.join()
    assert seen == [2]


def test_it_nests(two_threads) -> None:
    assert map_images(lambda i: map_images(lambda j: i * j, range(3)), range(3)) == [[0, 0, 0], [0, 1, 2], [0, 2, 4]]


def test_an_error_comes_out(two_threads) -> None:
    with pytest.raises(ZeroDivisionError):
        map_images(lambda i: 1 // i, range(3))
    assert map_images(abs, [-1]) == [1]


def test_after_a_fork(two_threads) -> None:
    map_images(abs, range(4))
    with multiprocessing.get_context("fork").Pool(1, _ends_when_told) as pool:
        assert pool.apply_async(_in_child).get(30) == [0, 1, 2]


def _ends_when_told() -> None:
    """Whatever handler of SIGTERM the process has, by which the pool ends its own."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _in_child() -> list[int]:
    return map_images(abs, range(3))
