"""However processes divide a training, it is the same training, and goes on divided otherwise."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from cfmrestore.apis.convert import convert
from cfmrestore.engine import checkpoints
from tests.integration.test_resume import losses
from tests.testing import ROOT, TINY, environment, run_tool, same, small_options, write_images

CONFIG = """
_base_ = {base!r}
custom_imports = dict(imports=["tests.integration.hooks"])
custom_hooks = [dict(type="EMAHook", decay=0.9), dict(type="PreemptionHook", interval=1), dict(type="WriteBytes"){more}]
optim_wrapper = dict(
    _delete_=True, type="OptimWrapper", optimizer=dict(type="AdamW", lr=1e-3), clip_grad=dict(max_norm=0.05)
)
"""
STEPS = 20


def write_config(folder: Path, *, double: bool, more: str = "") -> Path:
    path = folder / f"config{double}{len(more)}.py"
    text = CONFIG.format(base=str(TINY), more=more)
    path.write_text(text + ('model = dict(type="DoubleFlow")\n' if double else ""))
    return path


def options(folder: Path, ranks: int = 2, **changes: object) -> dict[str, object]:
    keys = {
        "train_dataloader.batch_size": 4 // ranks,
        "train_cfg.max_iters": STEPS,
        "default_hooks.checkpoint.interval": 10,
        "model.network.dropout": 0.0,  # whose draws belong to a process
        "val_dataloader.batch_size": 1,
        "log_processor.window_size": 1,  # losses of an iteration, not of the last ones
    }
    return small_options(folder, **{**keys, **changes})


def train(config: Path, run: Path, keys: dict[str, object], *flags: object, ranks: int = 2) -> str:
    return run_tool("train.py", config, "--work-dir", run, *flags, options=keys, ranks=0 if ranks == 1 else ranks)


def largest_difference(a: Path, b: Path) -> float:
    """Of the trained weights and of their averages."""
    one, other = checkpoints.load(a), checkpoints.load(b)
    parts = [(one[part][name], other[part][name]) for part in ("state_dict", "raw_state_dict") for name in one[part]]
    return max(float((x.double() - y.double()).abs().max()) for x, y in parts)


@pytest.fixture(scope="module")
def double(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A folder with runs of twenty steps in float64 on two ranks, one of each strategy; and their config."""
    folder = tmp_path_factory.mktemp("double")
    config = write_config(folder, double=True)
    for word in ("ddp", "zero1", "fsdp"):
        train(config, folder / word, options(folder, strategy=word), "--no-validate")
    return folder, config


@pytest.mark.slow
@pytest.mark.parametrize("word", ["zero1", "fsdp"])
def test_in_float64_the_training_is_that_of_ddp(double: tuple[Path, Path], word: str) -> None:
    folder, _ = double
    curves = losses(folder / "ddp"), losses(folder / word)
    assert len(curves[0]) == len(curves[1]) == STEPS
    assert max(abs(a - b) for a, b in zip(*curves, strict=True)) < 1e-6
    last = checkpoints.find_latest(folder / word)
    assert checkpoints.load(last)["raw_state_dict"]["network.stem.weight"].dtype == torch.float64
    assert largest_difference(folder / "ddp" / "iter_20.pth", last) < 1e-9


@pytest.mark.slow
def test_each_process_holds_half(double: tuple[Path, Path]) -> None:
    folder, _ = double
    held = {
        word: [json.loads((folder / word / f"bytes_{rank}.json").read_text()) for rank in range(2)]
        for word in ("ddp", "zero1", "fsdp")
    }
    print(held)
    whole = held["ddp"][0]
    assert held["ddp"][1] == whole
    assert whole["states"] == 2 * whole["weights"] == 2 * whole["gradients"] > 0  # Adam's two moments
    divided = {"zero1": ("states",), "fsdp": ("weights", "gradients", "states")}
    for word, parts in divided.items():
        for part, total in whole.items():
            sizes = [rank[part] for rank in held[word]]
            if part in parts:
                assert sum(sizes) == total
                assert max(sizes) < 0.56 * total, (word, part)  # odd sides, and ZeRO's whole tensors, differ a little
            else:
                assert sizes == [total, total]


@pytest.mark.slow
def test_shards_become_one_file_and_shards_again(double: tuple[Path, Path], tmp_path: Path) -> None:
    folder, config = double
    source, file, again = folder / "fsdp" / "iter_10", tmp_path / "one.pth", tmp_path / "again"
    convert("checkpoint", source, file)
    convert("checkpoint", file, again)
    loaded = [checkpoints.load(path) for path in (source, file, again)]
    assert loaded[0].keys() >= {"state_dict", "raw_state_dict", "optimizer", "param_schedulers", "message_hub"}
    assert same(loaded[0], loaded[1])
    assert same(loaded[1], loaded[2])
    assert file.with_suffix(".safetensors").is_file()
    for path in (source, file, again):  # each goes on as the run that nothing stopped
        run = tmp_path / f"of_{path.name}"
        train(config, run, options(folder, strategy="fsdp"), "--no-validate", "--resume", path)
        ends = [checkpoints.load(place / "iter_20") for place in (run, folder / "fsdp")]
        for part in ("state_dict", "raw_state_dict", "optimizer", "param_schedulers"):
            assert same(ends[0][part], ends[1][part]), (path, part)


@pytest.mark.slow
def test_ranks_may_change_between_starts(double: tuple[Path, Path], tmp_path: Path) -> None:
    """One rank, then two by FSDP, then one: the same data in the same order, and the same weights."""
    folder, config = double
    unbroken, run = tmp_path / "unbroken", tmp_path / "run"
    train(config, unbroken, options(folder, ranks=1), "--no-validate", ranks=1)
    for stop, ranks, word in ((6, 1, "ddp"), (13, 2, "fsdp"), (16, 2, "zero1"), (STEPS, 1, "ddp")):
        keys = options(folder, ranks=ranks, strategy=word, **{"train_cfg.max_iters": stop})
        keys |= {"param_scheduler.1.end": STEPS}
        train(config, run, keys, "--no-validate", "--resume", ranks=ranks)
    curves = losses(unbroken), losses(run)
    assert max(abs(a - b) for a, b in zip(*curves, strict=True)) < 1e-6
    assert largest_difference(unbroken / "iter_20.pth", run / "iter_20.pth") < 1e-6


@pytest.mark.slow
def test_in_float32_losses_and_evaluations_are_those_of_ddp(tmp_path: Path) -> None:
    """Evaluations are of the moving average, on images that do not divide by the ranks."""
    config = write_config(tmp_path, double=False)
    infos, five = {}, write_images(tmp_path / "five", count=5, seed=1)
    for word in ("ddp", "fsdp"):
        keys = options(tmp_path, strategy=word, val_root=str(five), **{"train_cfg.val_interval": 10})
        train(config, tmp_path / word, keys)
        infos[word] = checkpoints.load(checkpoints.find_latest(tmp_path / word))["message_hub"]
    curves = losses(tmp_path / "ddp"), losses(tmp_path / "fsdp")
    assert len(curves[0]) == len(curves[1]) == STEPS
    assert max(abs(a - b) for a, b in zip(*curves, strict=True)) < 1e-4
    assert infos["fsdp"]["evaluated_at"] == STEPS
    assert infos["fsdp"]["best_score"] == pytest.approx(infos["ddp"]["best_score"], abs=1e-3)
    best = tmp_path / "fsdp" / infos["fsdp"]["best_ckpt"]
    assert largest_difference(best, tmp_path / "ddp" / infos["ddp"]["best_ckpt"]) < 1e-4


@pytest.mark.slow
def test_torchrun_starts_again_at_the_newest_checkpoint(double: tuple[Path, Path], tmp_path: Path) -> None:
    """One rank kills itself once; the run ends as the one that nothing stopped."""
    folder, _ = double
    config = write_config(tmp_path, double=True, more=', dict(type="SendSignal", name="SIGKILL", at=13)')
    launcher = ["-m", "torch.distributed.run", "--nproc_per_node=2", "--standalone", "--max-restarts=1"]
    words = [str(ROOT / "tools" / "train.py"), str(config), "--work-dir", str(tmp_path / "run"), "--no-validate"]
    keys = [f"{key}={value}" for key, value in options(folder, strategy="fsdp").items()]
    done = subprocess.run(
        [sys.executable, *launcher, *words, "--cfg-options", *keys],
        env=environment(), cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("resumed at iteration 10") == 1
    ends = [checkpoints.load(place / "iter_20") for place in (tmp_path / "run", folder / "fsdp")]
    for part in ("state_dict", "raw_state_dict", "optimizer"):
        assert same(ends[0][part], ends[1][part]), part
