"""Checkpoints are data: whole or absent, and nothing in them is run."""

import os
import pickle
from pathlib import Path

import pytest
import torch
from torch import nn

from cfmrestore.engine import checkpoints
from cfmrestore.imageio.atomic import atomic, write_text
from tests.restore.flows import NETWORK, random_flow, randomize


def example() -> dict:
    return {"meta": {"iter": 3, "cfg": "x = 1"}, "state_dict": {"w": torch.arange(6.0).reshape(2, 3)}}


def test_both_files_hold_the_weights(tmp_path: Path) -> None:
    checkpoints.save(example(), tmp_path / "iter_3.pth")
    for name in ("iter_3.pth", "iter_3.safetensors"):
        loaded = checkpoints.load(tmp_path / name)
        assert torch.equal(loaded["state_dict"]["w"], example()["state_dict"]["w"])
        assert loaded["meta"]["iter"] == 3
    assert sorted(p.name for p in tmp_path.iterdir()) == ["iter_3.pth", "iter_3.safetensors"]


def test_a_pickle_with_code_is_not_run(tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "exploded"),)

    torch.save({"state_dict": {}, "meta": Bomb()}, tmp_path / "bomb.pth")
    with pytest.raises(
        ValueError,
        match=r"bomb.pth' is no checkpoint, or holds more than tensors and plain values; nothing in it was run",
    ):
        checkpoints.load(tmp_path / "bomb.pth")
    (tmp_path / "old.pth").write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(ValueError, match=r"old.pth'"):
        checkpoints.load(tmp_path / "old.pth")
    assert not (tmp_path / "exploded").exists()


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
@pytest.mark.parametrize("keep", [0, 10, 400])
def test_a_truncated_file_is_named(tmp_path: Path, suffix: str, keep: int) -> None:
    checkpoints.save(example(), tmp_path / "a.pth")
    path = tmp_path / f"a{suffix}"
    path.write_bytes(path.read_bytes()[: min(keep, path.stat().st_size - 10)])
    with pytest.raises(ValueError, match=rf"a{suffix}"):
        checkpoints.load(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="there is no checkpoint"):
        checkpoints.load(tmp_path / "none.pth")
    with pytest.raises(ValueError, match="holds no checkpoint that training has finished"):
        checkpoints.locate(tmp_path)


def test_a_flow_map_and_its_velocity_take_each_others_weights() -> None:
    velocity, flow_map, again = (random_flow(0, network={**NETWORK, "flow_map": told}) for told in (False, True, False))
    randomize(flow_map.network, 1)
    checkpoints.load_weights(again, flow_map.state_dict(), "map.pth")
    x, t = torch.randn(2, 12, 8, 8), torch.tensor([0.2, 0.7])
    given = {"context": torch.randn(2, 12, 8, 8)}
    assert torch.equal(again.network(x, t, **given), flow_map.network(x, t, duration=torch.zeros(2), **given))
    checkpoints.load_weights(flow_map, velocity.state_dict(), "velocity.pth")
    assert torch.equal(velocity.network(x, t, **given), flow_map.network(x, t, duration=torch.zeros(2), **given))


def test_local_gains_begin_with_the_weights_of_a_network_without() -> None:
    keys = {**NETWORK, "input_skip": True}
    plain, local = (random_flow(0, network=one) for one in (keys, {**keys, "local_gains": True}))
    checkpoints.load_weights(local, plain.state_dict(), "plain.pth")
    with pytest.raises(ValueError, match="2 not in the model"):
        checkpoints.load_weights(plain, local.state_dict(), "local.pth")


def test_weights_of_another_network_are_told_in_one_message() -> None:
    model = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))
    weights = model.state_dict()
    checkpoints.load_weights(model, {f"module.{k}": v for k, v in weights.items()}, "a.pth")
    wrong = {**weights, "0.weight": torch.zeros(5, 2), "extra": torch.zeros(1)}
    del wrong["1.bias"]
    with pytest.raises(ValueError, match="another network") as error:
        checkpoints.load_weights(model, wrong, "a.pth")
    message = str(error.value)
    assert "1 missing (1.bias" in message
    assert "1 not in the model (extra" in message
    assert "1 of another shape (0.weight (5, 2) instead of (3, 2)" in message


def test_the_newest_is_found_also_after_a_move(tmp_path: Path) -> None:
    checkpoints.save(example(), tmp_path / "run" / "iter_3.pth")
    write_text(tmp_path / "run" / checkpoints.LAST, str(tmp_path / "run" / "iter_3.pth"))
    (tmp_path / "run").rename(tmp_path / "moved")
    assert checkpoints.find_latest(tmp_path / "moved") == tmp_path / "moved" / "iter_3.pth"
    assert checkpoints.find_latest(tmp_path) is None


def interrupted_write(path: Path) -> None:
    with atomic(path) as unfinished:
        unfinished.write_text("ne")
        raise OSError("disk full")


def test_an_interrupted_write_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    write_text(path, "old")
    with pytest.raises(OSError, match="disk full"):
        interrupted_write(path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_plain_values_need_no_class() -> None:
    import numpy as np

    assert checkpoints.plain([np.float64(1.5), np.int64(2), "a", object()]) == [1.5, 2, "a", None]
    assert type(checkpoints.plain(np.float32(0.5))) is float
