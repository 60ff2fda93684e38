"""Damaged checkpoints are found, and the newest one that is whole is taken."""

import os
import random
import shutil
from pathlib import Path

import pytest
import torch

from cfmrestore.apis.train import train
from cfmrestore.engine import checkpoints, shards
from cfmrestore.engine.newest import check, newest_whole, remove_unfinished
from cfmrestore.imageio.atomic import write_text
from tests.testing import TINY, same, small_options


def example(iteration: int) -> dict:
    weights = {"w": torch.arange(600.0).reshape(20, 30), "b": torch.ones(7, dtype=torch.int64)}
    return {"meta": {"iter": iteration, "cfg": "x = 1"}, "state_dict": weights}


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A folder with the checkpoints 10, 20 and 30, and 99 of a run before."""
    for iteration in (99, 10, 20, 30):
        checkpoints.save(example(iteration), tmp_path / f"iter_{iteration}.pth")
    write_text(tmp_path / checkpoints.LAST, str(tmp_path / "iter_30.pth"))
    return tmp_path


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[content.index(torch.tensor([17.0, 18.0]).numpy().tobytes())] ^= 4
    path.write_bytes(content)


def mark_as_folder(path: Path) -> None:
    """In the archive's directory, of which there are no checksums."""
    content = bytearray(path.read_bytes())
    content[content.index(b"archive/data/0", content.index(b"PK\x01\x02")) - 8] ^= 0x10
    path.write_bytes(content)


def empty(path: Path) -> None:
    path.write_bytes(b"")


DAMAGES = [truncate, flip, mark_as_folder, empty, Path.unlink]


def test_the_newest_is_taken_where_it_is_whole(run: Path) -> None:
    assert newest_whole(run) == (run / "iter_30.pth", [])


@pytest.mark.parametrize("damage", DAMAGES)
def test_the_one_before_a_damaged_one(run: Path, damage) -> None:
    damage(run / "iter_30.pth")
    path, (fault,) = newest_whole(run)
    assert path == run / "iter_20.pth"
    assert "iter_30.pth' is" in fault
    damage(run / "iter_20.pth")
    path, faults = newest_whole(run)
    assert path == run / "iter_10.pth"
    assert len(faults) == 1 if damage is Path.unlink else 2
    damage(run / "iter_10.pth")
    with pytest.raises(ValueError, match=r"no checkpoint is whole: .*iter_30\.pth' is (damaged|missing)"):
        newest_whole(run)


def test_a_flipped_byte_goes_unseen_without_the_check(run: Path) -> None:
    """Which is why there is one."""
    flip(run / "iter_30.pth")
    assert not same(checkpoints.load(run / "iter_30.pth"), example(30))
    with pytest.raises(ValueError, match="the checksum of its part"):
        check(run / "iter_30.pth")


def test_no_flipped_byte_changes_what_is_read(run: Path) -> None:
    path = run / "iter_30.pth"
    whole, rng = path.read_bytes(), random.Random(0)
    for place in rng.sample(range(len(whole)), 100):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1 << rng.randrange(8)]) + whole[place + 1 :])
        try:
            check(path)
            read = checkpoints.load(path)
        except ValueError:
            continue
        assert same(read, example(30)), place


@pytest.mark.parametrize("damage", [truncate, empty, Path.unlink])
def test_without_the_pointer_the_highest_is_taken(run: Path, damage) -> None:
    damage(run / checkpoints.LAST)
    path, (fault,) = newest_whole(run)
    assert path == run / "iter_99.pth"
    assert checkpoints.LAST in fault


@pytest.mark.parametrize("part", ["*.safetensors", shards.STATE])
@pytest.mark.parametrize("damage", [truncate, empty, Path.unlink])
def test_shards_that_are_damaged(tmp_path: Path, damage, part: str) -> None:
    for iteration in (10, 20):
        shards.save(example(iteration), tmp_path / f"iter_{iteration}")
    write_text(tmp_path / checkpoints.LAST, str(tmp_path / "iter_20"))
    (tmp_path / ".iter_30.unfinished").mkdir()
    remove_unfinished(tmp_path)
    assert not (tmp_path / ".iter_30.unfinished").exists()
    assert newest_whole(tmp_path) == (tmp_path / "iter_20", [])
    damage(next((tmp_path / "iter_20").glob(part)))
    path, (fault,) = newest_whole(tmp_path)
    assert path == tmp_path / "iter_10"
    assert "iter_20' is" in fault


def test_a_folder_without_checkpoints(tmp_path: Path) -> None:
    assert newest_whole(tmp_path) == (None, [])
    assert newest_whole(tmp_path / "none") == (None, [])


def test_what_killed_processes_left_is_removed(tmp_path: Path) -> None:
    for pid in (os.getppid(), 2**30):
        (tmp_path / f".iter_20.pth.{pid}.tmp").touch()
    (tmp_path / "iter_10.pth").touch()
    remove_unfinished(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [f".iter_20.pth.{os.getppid()}.tmp", "iter_10.pth"]


def flip_a_weight(path: Path) -> None:
    content = bytearray(path.read_bytes())
    weight = next(one for one in checkpoints.load(path)["raw_state_dict"].values() if one.dim() == 1 and one.all())
    content[content.index(weight.numpy().tobytes())] ^= 1
    path.write_bytes(content)


def test_a_training_goes_on_from_the_one_before(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    keys = {"work_dir": str(tmp_path), "validate": False, "options": small_options(tmp_path)}
    train(TINY, **keys)
    newest, before = tmp_path / "iter_6.pth", tmp_path / "iter_3.pth"
    whole = checkpoints.load(newest)
    flip_a_weight(newest)
    with pytest.raises(ValueError, match=r"iter_6.pth' is damaged"):
        train(TINY, **keys, resume=str(newest))
    newest.with_suffix(".safetensors").unlink()
    before.with_suffix(".safetensors").unlink()
    capsys.readouterr()
    train(TINY, **keys, resume="auto")
    told = capsys.readouterr().err
    assert f"warning: '{newest}' is damaged: " in told
    assert (
        f"'{before.with_suffix('.safetensors')}' was missing and is written again: the run goes on from {before}"
        in told
    )
    weights = checkpoints.load(before.with_suffix(".safetensors"))["state_dict"]
    assert same(weights, checkpoints.load(before)["state_dict"])
    for part in ("state_dict", "raw_state_dict", "optimizer"):
        assert same(checkpoints.load(newest)[part], whole[part])
    flip_a_weight(newest)
    before.unlink()
    with pytest.raises(ValueError, match="cannot resume, because no checkpoint is whole"):
        train(TINY, **keys, resume="auto")


def test_shards_of_a_whole_rank_that_are_missing(tmp_path: Path) -> None:
    """What is there does not tell how many there were."""
    for iteration in (10, 20):
        shards.save(example(iteration), tmp_path / f"iter_{iteration}")
    write_text(tmp_path / checkpoints.LAST, str(tmp_path / "iter_20"))
    (file,) = (tmp_path / "iter_20").glob("*.safetensors")
    second = file.with_name(file.name.replace("shard-00001", "shard-00002"))
    shutil.copy(file, second)
    state = torch.load(tmp_path / "iter_20" / shards.STATE, weights_only=True)
    state[shards.FILES][second.name] = second.stat().st_size
    torch.save(state, tmp_path / "iter_20" / shards.STATE)
    assert newest_whole(tmp_path) == (tmp_path / "iter_20", [])
    second.unlink()
    assert newest_whole(tmp_path)[0] == tmp_path / "iter_10"


def test_shards_are_replaced_whatever_the_moment(tmp_path: Path) -> None:
    shards.save(example(1), tmp_path / "iter_10")
    old, new, folder = tmp_path / ".iter_10.replaced", tmp_path / ".iter_10.unfinished", tmp_path / "iter_10"
    shutil.copytree(folder, old)
    folder.rename(new)  # a kill between the two: the new one lacks but its name
    remove_unfinished(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["iter_10"]
    assert same(checkpoints.load(folder), example(1))
    shards.save(example(2), folder)
    assert same(checkpoints.load(folder), example(2))
    assert [path.name for path in tmp_path.iterdir()] == ["iter_10"]
