"""A strategy that cannot train a config says so before it begins; shards are whole or refused."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch.distributed.device_mesh import DeviceMesh, init_device_mesh
from torch.distributed.tensor import Shard, distribute_tensor

from cfmrestore.apis.convert import convert
from cfmrestore.apis.train import train
from cfmrestore.engine import checkpoints, shards
from cfmrestore.engine.config.load import load_config
from cfmrestore.engine.strategies import STRATEGIES, build_strategy
from tests.testing import TINY, small_options


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"strategy": "fsdq"}, "there is no strategy 'fsdq'; did you mean 'fsdp'"),
        ({"strategy.type": "deepspeed"}, "there is no strategy 'deepspeed'; known are: ddp, fsdp, zero1"),
        ({"strategy": {"type": "fsdp", "reshard": True}}, "strategy: FSDP has no key 'reshard'"),
        ({"strategy": "fsdp", "model.compile": True}, "'fsdp' does not go with model.compile"),
        ({"strategy": "fsdp", "model.loss": {"type": "MeanFlow"}}, "needs derivative='difference'"),
        ({"strategy": "zero1", "optim_wrapper.optimizer.type": "ZeroRedundancyOptimizer"}, "such as AdamW; got 'Zero"),
        ({"strategi": "fsdp"}, "there is no key 'strategi'; did you mean 'strategy'"),
        ({"max_iters": 5}, "there is no key 'max_iters'; did you mean train_cfg.max_iters?"),
    ],
)
def test_what_cannot_be_trained(keys: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        load_config(TINY, keys)


@pytest.mark.parametrize("word", ["fsdp", "zero1"])
def test_a_process_alone_divides_nothing(word: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=f"'{word}' divides .* among processes, and this is one alone.*torchrun"):
        train(TINY, work_dir=str(tmp_path), options=small_options(tmp_path, strategy=word))


def test_every_word_is_a_strategy_and_a_model_that_is_tested_needs_none() -> None:
    assert {word: type(build_strategy(word)) for word in STRATEGIES} == STRATEGIES
    assert not build_strategy({"type": "fsdp", "reshard_after_forward": False}).reshard_after_forward


def test_optimizers_of_eight_bits_need_their_package() -> None:
    name = "optim_wrapper.optimizer.type"
    if "AdamW8bit" in __import__("mmengine.optim", fromlist=["OPTIMIZERS"]).OPTIMIZERS:
        pytest.skip("bitsandbytes is installed")
    with pytest.raises(
        ValueError, match=r"AdamW8bit comes with bitsandbytes: pip install 'cfmrestore\[bitsandbytes\]'"
    ):
        load_config(TINY, {name: "AdamW8bit"})


def example() -> dict:
    state = {0: {"step": torch.tensor(3.0), "exp_avg": torch.randn(3, 2)}}
    return {
        "meta": {"iter": 3},
        "state_dict": {"w": torch.randn(3, 2), "half": torch.randn(5).half(), "count": torch.tensor(7)},
        "optimizer": {"state": state, "param_groups": [{"betas": (0.9, 0.99), "params": [0]}]},
    }


def test_shards_hold_what_a_file_does(tmp_path: Path) -> None:
    checkpoint = example()
    shards.save(checkpoint, tmp_path / "iter_3")
    loaded = checkpoints.load(tmp_path / "iter_3")
    for part in ("state_dict", "optimizer"):
        assert str(loaded[part]) == str(checkpoint[part])
    assert [path.name for path in tmp_path.iterdir()] == ["iter_3"]
    assert checkpoints.locate(tmp_path / "iter_3") == tmp_path / "iter_3"


def test_a_folder_without_all_of_its_shards_is_refused(tmp_path: Path) -> None:
    shards.save(example(), tmp_path / "iter_3")
    (file,) = (tmp_path / "iter_3").glob("*.safetensors")
    file.rename(tmp_path / "elsewhere")
    with pytest.raises(ValueError, match=r"iter_3' is damaged .*parts of state_dict/w are missing"):
        checkpoints.load(tmp_path / "iter_3")
    file.write_bytes((tmp_path / "elsewhere").read_bytes()[:-3])
    with pytest.raises(ValueError, match="iter_3' is damaged"):
        checkpoints.load(tmp_path / "iter_3")
    (tmp_path / "iter_3" / shards.STATE).unlink()  # as of a run that was killed while it wrote
    with pytest.raises(ValueError, match="there is no checkpoint"):
        checkpoints.load(tmp_path / "iter_3")


def test_a_conversion_overwrites_nothing(tmp_path: Path) -> None:
    shards.save(example(), tmp_path / "iter_3")
    for out in (tmp_path / "iter_3.safetensors", tmp_path / "iter_3"):
        with pytest.raises(ValueError, match=r"shards become a \.pth file that is not there yet"):
            convert("checkpoint", tmp_path / "iter_3", out)


def test_a_restart_does_not_take_the_run_of_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = small_options(tmp_path, **{"train_cfg.max_iters": 3})
    train(TINY, work_dir=str(tmp_path), validate=False, options=keys)
    monkeypatch.setenv("TORCHELASTIC_MAX_RESTARTS", "2")
    with pytest.raises(ValueError, match=r"iter_3\.pth is of a run before: --resume goes on with it"):
        train(TINY, work_dir=str(tmp_path), validate=False, options=keys)
    monkeypatch.setenv("TORCHELASTIC_RESTART_COUNT", "1")
    train(TINY, work_dir=str(tmp_path), validate=False, options={**keys, "train_cfg.max_iters": 4})
    assert checkpoints.load(tmp_path / "iter_4.pth")["meta"]["iter"] == 4
    assert checkpoints.load(tmp_path / "iter_4.pth")["message_hub"]["keep_ckpt_ids"] == [3, 4]


@pytest.fixture
def mesh() -> Iterator[DeviceMesh]:
    """Of this process alone."""
    torch.distributed.init_process_group("gloo", store=torch.distributed.HashStore(), rank=0, world_size=1)
    yield init_device_mesh("cpu", (1,))
    torch.distributed.destroy_process_group()


@pytest.mark.parametrize("name", ["w.pth", "w.safetensors", "bare.pth"])
def test_weights_of_any_file_are_divided(mesh: DeviceMesh, tmp_path: Path, name: str) -> None:
    weights = {"w": torch.randn(4, 2)}
    checkpoints.save({"meta": {"iter": 1}, "state_dict": weights}, tmp_path / "w.pth")
    torch.save(weights, tmp_path / "bare.pth")
    other = distribute_tensor(torch.zeros(4, 2), mesh, [Shard(0)])
    loaded = checkpoints.load(tmp_path / name, lambda key: other if key == ("state_dict", "w") else None)
    assert shards.is_divided(loaded["state_dict"]["w"])
    assert torch.equal(loaded["state_dict"]["w"].full_tensor(), weights["w"])
