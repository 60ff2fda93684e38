"""The tools as a user runs them: training, testing, other data, other spaces, and wrong input."""

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from cfmrestore.engine import checkpoints
from cfmrestore.reports import results
from tests.testing import ROOT, TINY, run_tool, small_options, write_images

TAEF2 = ROOT.parent / "shared" / "data" / "weights" / "taef2"


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Path:
    """A folder with a short run in ``run`` and its images."""
    folder = tmp_path_factory.mktemp("trained")
    options = small_options(folder, **{"train_cfg.val_interval": 3})
    run_tool("train.py", TINY, "--work-dir", folder / "run", options=options)
    return folder


def test_a_run_leaves_what_the_readme_says(trained: Path) -> None:
    run = trained / "run"
    names = {p.name for p in run.iterdir()}
    assert {"iter_3.pth", "iter_6.pth", "iter_6.safetensors", "last_checkpoint", "cfm_realsr_tiny.py"} <= names
    assert any(name.startswith("best_PSNR_iter_") for name in names)
    assert not any(name.endswith(".tmp") for name in names)
    log = next(run.glob("*/*.log")).read_text()
    assert "eta: 0:00:" in log
    pictures = list(run.glob("*/vis_data/vis_image/samples_*.png"))
    assert pictures
    assert Image.open(pictures[0]).size[0] == 4 * 32
    assert list(run.glob("*/vis_data/events.*"))
    checkpoint = checkpoints.load(run / "iter_6.pth")
    assert {"iter", "seed", "cfg", "versions", "encoder"} <= checkpoint["meta"].keys()
    assert all(name.startswith("network.") for name in checkpoint["state_dict"])


def test_testing_writes_table_pictures_and_report(trained: Path, tmp_path: Path) -> None:
    options = small_options(trained, **{"model.sampling.num_intervals": 3})
    args = ["--work-dir", tmp_path / "run", "--out", tmp_path / "result.json", "--show-dir", tmp_path / "pictures"]
    output = run_tool("test.py", TINY, trained / "run", *args, "--report", tmp_path / "page.html", options=options)
    result = json.loads((tmp_path / "result.json").read_text())["benchmarks"]["images"]
    assert result["rows"]["restored"]["NFE"] == 3
    assert result["rows"]["bicubic"].keys() == result["rows"]["encoder"].keys() == {"PSNR", "SSIM"}
    assert result["num_images"] == len(result["images"]) == 6
    assert result["inputs_sha256"] not in (None, result["images_sha256"])
    assert result["rows"]["restored"]["PSNR"] == pytest.approx(np.mean(result["values"]["restored"]["PSNR"]))
    assert (tmp_path / "result.md").read_text() in output
    assert len((tmp_path / "result.csv").read_text().splitlines()) == 1 + 3 * 6
    assert len(list((tmp_path / "pictures").glob("*.png"))) == 7
    assert "0.png" in (tmp_path / "page.html").read_text()
    assert not list((tmp_path / "run").glob("images_*"))
    assert not list((tmp_path / "run").glob("*.py"))  # a config there would be that of a training
    weights = run_tool("test.py", TINY, trained / "run" / "iter_6.safetensors", "--work-dir", tmp_path, options=options)
    assert [line for line in output.splitlines() if line.startswith("| restored")] == [
        line for line in weights.splitlines() if line.startswith("| restored")
    ]


def test_two_ranks_test_as_one_on_any_benchmarks(trained: Path, tmp_path: Path) -> None:
    """Five images do not divide by two ranks, so a sampler repeats one."""
    high = write_images(tmp_path / "high", count=5, side=32, seed=3)
    write_images(tmp_path / "low", count=5, side=8, seed=3)
    run_tool("degrade.py", high, "--preset", "bicubic", "--freeze", "--out", tmp_path / "frozen")
    sets = [f"pairs={high},{tmp_path / 'low'}", f"drawn={high}", f"frozen={tmp_path / 'frozen'}"]
    found = []
    for ranks in (0, 2):
        out = tmp_path / f"{ranks}.json"
        args: list[object] = ["--metrics", "psnr", "haarpsi", "fid", "kid", "--weights", "seeded", "--protocol", "rgb"]
        args += ["--benchmarks", *sets, "--out", out, "--work-dir", tmp_path / "run"]
        run_tool("test.py", TINY, trained / "run", *args, options=small_options(trained), ranks=ranks)
        found.append(results.read_result(out))
        for result in found[-1]["benchmarks"].values():
            del result["seconds_per_image"]
    one, two = found
    assert one["benchmarks"].keys() == {"pairs", "drawn", "frozen"}
    assert "FID of 5 images says little" in one["warnings"][0]
    for name, result in one["benchmarks"].items():
        other = two["benchmarks"][name]
        assert result["rows"].keys() == {"restored", "bicubic", "encoder"}
        assert {**result, "rows": 0} == {**other, "rows": 0}
        for row, columns in result["rows"].items():
            assert columns == pytest.approx(other["rows"][row], rel=1e-9, abs=1e-9)


def test_a_sweep(trained: Path, tmp_path: Path) -> None:
    args = ["--solvers", "Euler", "Heun", "--intervals", 1, 2, "--fidelity", 0, 0.5, 1, "--out", tmp_path / "sweep"]
    output = run_tool(
        "sweep.py", TINY, trained / "run", *args, "--work-dir", tmp_path / "run", options=small_options(trained)
    )
    lines = list(csv.DictReader((tmp_path / "sweep" / "sweep.csv").open()))
    settings = [(line["solver"], line["num_intervals"], line["fidelity"]) for line in lines]
    assert len(set(settings)) == len(lines) == 9  # fidelity 1 is the same whatever the solver
    assert [int(float(line["NFE"])) for line in lines] == [1, 2, 1, 2, 3, 2, 3, 4, 5]
    assert len({line["PSNR"] for line in lines}) == 9
    assert any(line["pareto_PSNR"] == "True" for line in lines)
    assert all(float(line["peak_mib"]) > 10 and float(line["seconds_per_image"]) > 0 for line in lines)
    assert "straightness" in output
    assert "* nothing measured here is better for as few evaluations (NFE)" in output
    assert "3 of 12 combinations are left out: fidelity 1 is one evaluation, whatever the solver" in output
    assert Image.open(tmp_path / "sweep" / "sweep.png").size[0] > 500
    seeds = ["--solvers", "Euler", "--intervals", 1, "--seeds", 0, 1, "--out", tmp_path / "seeds"]
    seeds += ["--metrics", "psnr", "haarpsi"]
    run_tool("sweep.py", TINY, trained / "run", *seeds, "--work-dir", tmp_path / "run", options=small_options(trained))
    first, second = csv.DictReader((tmp_path / "seeds" / "sweep.csv").open())
    assert first["PSNR"] != second["PSNR"]
    assert {"PSNR", "HaarPSI"} <= first.keys()
    assert "SSIM" not in first
    wrong = run_tool("sweep.py", TINY, trained / "run", "--solvers", "Eular", "--out", tmp_path / "x", expect=1)
    assert "unknown solver 'Eular'; did you mean 'Euler'" in wrong


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--benchmarks", "pairs"], "expected NAME=VALUE; got 'pairs'"),
        (["--benchmarks", "pairs=none"], "benchmark 'pairs': there is no folder none"),
        (["--protocol", "none"], "there is no protocol 'none'"),
        (["--metrics", "none"], "there is no metric 'none'"),
        (["--metrics", "psnr", "fid", "--weights", "none"], "needs the weights pt_inception"),
    ],
)
def test_wrong_arguments_of_the_test(trained: Path, tmp_path: Path, args: list[str], message: str) -> None:
    output = run_tool(
        "test.py", TINY, trained / "run", *args, "--work-dir", tmp_path, options=small_options(trained), expect=1
    )
    assert f"error: {message}" in output or message in output.splitlines()[-1]
    assert "Traceback" not in output


def test_too_few_images_are_refused_before_any_is_restored(trained: Path, tmp_path: Path) -> None:
    args = ["--metrics", "precisionrecall", "--weights", "seeded", "--work-dir", tmp_path]
    args += ["--benchmarks", f"few={write_images(tmp_path / 'few', count=3)}"]
    output = run_tool("test.py", TINY, trained / "run", *args, options=small_options(trained), expect=1)
    assert "error: PrecisionRecall needs 4 images or more; the set has 3" in output
    assert "Iter(test)" not in output


def test_a_checkpoint_of_another_network(trained: Path, tmp_path: Path) -> None:
    options = small_options(trained, **{"model.network.base_channels": 16})
    output = run_tool("test.py", TINY, trained / "run", "--work-dir", tmp_path, options=options, expect=1)
    assert "error: " in output
    assert "was made by another network" in output
    assert "Traceback" not in output


def test_pairs(tmp_path: Path) -> None:
    high, low = write_images(tmp_path / "high", side=32), tmp_path / "low"
    low.mkdir()
    for path in high.iterdir():
        Image.open(path).resize((8, 8), Image.Resampling.BICUBIC).save(low / path.name)
    config = tmp_path / "pairs.py"
    config.write_text(
        f"""_base_ = {str(TINY)!r}
train_dataloader = dict(
    dataset=dict(
        _delete_=True, type="PairedFolder", high_root={str(high)!r}, low_root={str(low)!r},
        pipeline="${{train_pipeline}}",
    )
)
"""
    )
    output = run_tool("train.py", config, "--work-dir", tmp_path / "run", options=small_options(tmp_path))
    assert "Iter(val)" in output
    config.write_text(
        config.read_text()
        + """model = dict(
    network=dict(flow_map=True), loss=[dict(type="MSE"), dict(type="Imitation", loss=dict(type="PixelMSE"))]
)
"""
    )
    options = small_options(tmp_path, **{"default_hooks.logger.interval": 1})
    output = run_tool("train.py", config, "--work-dir", tmp_path / "alone", options=options, expect=1)
    assert "take a PairedFolder with its peer_root" in output
    options["train_dataloader.dataset.peer_root"] = high
    output = run_tool("train.py", config, "--work-dir", tmp_path / "peer", options=options)
    assert "loss_imitation: " in output


@pytest.mark.weights
@pytest.mark.skipif(not TAEF2.is_dir(), reason="the weights of TAEF2 in ../shared/data are not there")
def test_the_space_of_taef2(tmp_path: Path) -> None:
    options = small_options(tmp_path, **{"model.encoder.type": "TAEF2", "model.encoder.path": TAEF2, "crop_size": 32})
    options.pop("model.encoder.factor")
    output = run_tool("train.py", TINY, "--work-dir", tmp_path / "run", options=options)
    assert "Iter(val)" in output
    assert checkpoints.load(tmp_path / "run" / "iter_6.pth")["meta"]["encoder"]["name"] == "TAEF2"


def test_a_damaged_image(tmp_path: Path) -> None:
    options = small_options(tmp_path)
    images = tmp_path / "images"
    whole = (images / "0.png").read_bytes()
    (images / "cut.png").write_bytes(whole[: len(whole) // 2])
    workers = {"train_dataloader.num_workers": 1}
    output = run_tool("train.py", TINY, "--work-dir", tmp_path / "a", options={**options, **workers}, expect=1)
    assert "error: cut.png: cannot read" in output
    skip = {"train_dataloader.dataset.on_error": "skip", "val_dataloader.dataset.on_error": "skip"}
    output = run_tool("train.py", TINY, "--work-dir", tmp_path / "b", options={**options, **workers, **skip})
    assert "skipped cut.png" in output


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"data_root": "nowhere"}, "error: there is no folder 'nowhere': name a folder of data (relative to "),
        ({"crop_size": 64}, "32x32 is smaller than the crop of 64: take a smaller crop (--cfg-options crop_size=N)"),
        ({"scale": 3}, "do not fit scale 3 and Haar's factor 2: crop them to multiples of 6, --cfg-options crop_size"),
        ({"model.network.base_channel": 8}, "UNet has no key 'base_channel'; did you mean 'base_channels'"),
        ({"optim_wrapper.optimizer.lr": "fast"}, "error: optim_wrapper.optimizer.lr must be a number; got 'fast'"),
        (
            {"optim_wrapper.optimizer.type": "AdamV"},
            "error: optim_wrapper.optimizer: there is no 'AdamV'; did you mean 'Adam'?",
        ),
        ({"train_cfg.max_iters": "long"}, "error: train_cfg.max_iters must be a positive number; got 'long'"),
        ({"train_cfg.val_interval": 0}, "error: train_cfg.val_interval must be a positive number; got 0"),
        ({"train_dataloader.batch_size": 0}, "error: batch_size should be a positive integer"),
    ],
)
def test_wrong_input_is_one_message(tmp_path: Path, changes: dict, message: str) -> None:
    options = {**small_options(tmp_path), **changes}
    output = run_tool("train.py", TINY, "--work-dir", tmp_path / "run", options=options, expect=1)
    assert message in output
    assert "Traceback" not in output


def test_resuming_what_is_finished_says_how_to_go_on(trained: Path, tmp_path: Path) -> None:
    shutil.copytree(trained / "run", tmp_path / "run")
    options = small_options(trained, **{"train_cfg.max_iters": 6})
    output = run_tool("train.py", TINY, "--work-dir", tmp_path / "run", "--resume", options=options)
    assert "nothing is left to train: the run is at iteration 6 of 6" in output
    assert "--cfg-options train_cfg.max_iters=N" in output


def test_resuming_what_is_not_there(tmp_path: Path) -> None:
    options = small_options(tmp_path)
    args = ["--work-dir", tmp_path / "run", "--resume", tmp_path / "none.pth"]
    assert "cannot resume: there is no checkpoint" in run_tool("train.py", TINY, *args, options=options, expect=1)
    (tmp_path / "run").mkdir(exist_ok=True)
    (tmp_path / "run" / "bad.pth").write_bytes(b"no checkpoint")
    args = ["--work-dir", tmp_path / "run", "--resume", tmp_path / "run" / "bad.pth"]
    output = run_tool("train.py", TINY, *args, options=options, expect=1)
    assert "bad.pth" in output
    assert "Traceback" not in output


def test_mixed_precision_and_scaled_rate(tmp_path: Path) -> None:
    options = small_options(tmp_path, **{"optim_wrapper.precision": "bf16"})
    output = run_tool("train.py", TINY, "--amp", "--auto-scale-lr", "--seed", 3, "--work-dir", tmp_path / "run",
                      options=options)  # fmt: skip
    assert "mixed precision: bf16 on cpu" in output
    assert checkpoints.load(tmp_path / "run" / "iter_6.pth")["meta"]["seed"] == 3


def test_the_benchmark_of_degradations(tmp_path: Path) -> None:
    folder, out = write_images(tmp_path / "photos", side=48), tmp_path / "b.json"
    args = ["degrade", folder, "--rounds", 2, "--batch", 2, "--side", 48, "--busy", 0, "--out", out]
    output = run_tool("benchmark.py", *args)
    assert output.count("times basicsr's images a second") == 2
    result = json.loads(out.read_text())
    rows = {row["name"]: row for row in result["operators"]["quiet"]}
    assert rows["GaussianBlur"]["ms"] > 0
    assert rows["PoissonNoise"]["basicsr_ms"] > 0
    assert not [row for row in rows.values() if "skipped" in row]


def test_the_benchmark_reports_a_ratio(tmp_path: Path) -> None:
    out = tmp_path / "b.json"
    options = small_options(tmp_path)
    options.pop("train_cfg.max_iters")
    args = ["train", TINY, "--iterations", 5, "--busy", 0, "--out", out, "--work-dir", tmp_path / "run"]
    assert "| bare step ms | quartiles " in run_tool("benchmark.py", *args, options=options)
    assert np.isfinite(json.loads(out.read_text())["cases"]["quiet"]["overhead"])
    shutil.rmtree(tmp_path / "run")


def test_a_training_starts_from_the_weights_of_another(trained: Path, tmp_path: Path) -> None:
    """At a rate of 1e-6 and less it ends where it began: at the average that the other run has left."""
    options = small_options(tmp_path, load_from=trained / "run", **{"optim_wrapper.optimizer.lr": 1e-12})
    run_tool("train.py", TINY, "--no-validate", "--work-dir", tmp_path / "run", options=options)
    before, after = (
        checkpoints.load(run / "iter_6.safetensors")["state_dict"] for run in (trained / "run", tmp_path / "run")
    )
    assert before.keys() == after.keys()
    assert all(torch.allclose(before[key], after[key], atol=2e-5) for key in before)


def test_weights_to_start_from_that_are_none_are_named(tmp_path: Path) -> None:
    options = small_options(tmp_path, load_from="cfm-x5")
    told = run_tool("train.py", TINY, "--work-dir", tmp_path / "run", options=options, expect=1)
    assert "there is no model 'cfm-x5': name a checkpoint, a work directory, a repository of a hub" in told
