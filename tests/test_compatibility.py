"""What users of the first names have is read: checkpoints, configs, presets, results, sidecars, sets, command lines.

``tests/data/v0`` is a user's folder in which ``colour``, ``CentreCrop``, ``tell_level``, ``noise_fades_at`` and
``hands_on`` are the only names, with what the tools wrote there when they had no others, by the commands in
``make.sh``. It is never made anew. The clock, the version and messages may differ; restored pictures by one level.
"""

import io
import json
import runpy
import shlex
import shutil
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from cfmrestore.apis import load_config
from cfmrestore.restore import Restorer
from tests.testing import ROOT, in_this_process

V0 = ROOT / "tests" / "data" / "v0"
CONFIGS = (
    "cfm_realsr", "cfm_realsr_tiny", "cfm_x4", "cfm_realsr_x4", "regression_x4", "regression_realsr_x4", "cfm_ldm_x2",
    "cfm_ldm_x4",
)  # fmt: skip
PRESETS = {
    "bicubic", "blur_noise_jpeg", "bsrgan", "bsrgan_plus", "codeformer", "colorize", "deblur", "dejpeg", "denoise",
    "first_or_second_order", "gfpgan", "inpaint", "real_esrgan", "second_order", "stablesr", "swinir",
}  # fmt: skip
REMAINS = {  # of a restoration: the folder, and the command that made it
    "level": "inputs --model work/level",
    "flow": "inputs --model work/flow/iter_2.safetensors",
    "asked": "inputs/c.png --model work/flow --scale 3 --seed 4 --fidelity 0.4 --num-intervals 2 --solver Midpoint "
    "--noise 0.9 --no-consistency --colour adain --samples 2 --suffix _x3 --format png --quality 90 --tile 0 "
    "--precision fp32 --device cpu",
    "configured": "inputs/c.png --model work/level --config my/level.py --cfg-options model.sampling.colour=wavelet "
    "model.sampling.noise_fades_at=None model.coupling.tell_level=True",
    "overlaid": "inputs/c.png --model cfm-x4 --config my/shipped.py --cfg-options model.sampling.noise=1.1",
    "mean": "inputs/c.png --model work/study/posterior_mean/run",
    "chain": "inputs/c.png --model my/chain.py --scale 4",
    "published": "inputs/c.png --model published",
    "shipped": "inputs/c.png --model cfm-x4",
}


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's folder beside the configs of the checkout, and the working directory."""
    folder = tmp_path / "project"
    shutil.copytree(V0, folder)
    (folder / "configs").symlink_to(ROOT / "configs")
    monkeypatch.chdir(folder)
    return folder


def tool(command: str) -> str:
    """Run a tool in this process; its output is returned."""
    output, (name, *words), path = io.StringIO(), shlex.split(command), list(sys.path)
    argv, threads, script = sys.argv, torch.get_num_threads(), str(ROOT / "tools" / name)
    sys.argv, code = [script, *words], None
    try:
        with redirect_stdout(output), redirect_stderr(output):
            runpy.run_path(script, run_name="__main__")
    except SystemExit as stopped:
        code = stopped.code
    finally:
        sys.argv, sys.path[:] = argv, path
        torch.set_num_threads(threads)
    assert code in (None, 0), f"{command}: {code}\n{output.getvalue()[-3000:]}"
    return output.getvalue()


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image).astype(int)


def assert_alike(made: Path, kept: Path, levels: int = 1) -> None:
    """The same pictures in two folders, but for so many levels.

    Maps of samples have lost their legends since, and of what is transparent the colors are restored in another way.
    """
    names, others = (
        sorted(path.relative_to(root) for path in root.rglob("*.png") if "_spread" not in path.stem)
        for root in (kept, made)
    )
    assert names
    assert names == others
    for name in names:
        one, other = pixels(made / name), pixels(kept / name)
        assert one.shape == other.shape
        channels = slice(3, None) if one.shape[2] == 4 else slice(None)
        assert np.abs(one - other)[..., channels].max() <= levels, name


def losses(run: str) -> dict[str, float]:
    """What the newest log of a training says, by iteration, and the PSNR of its end."""
    log = max(Path(run).glob("*/vis_data/scalars.json"))
    entries = [json.loads(line) for line in log.read_text().splitlines()]
    logged = [(str(one["step"]), one["loss"]) if "loss" in one else ("PSNR", one["PSNR"]) for one in entries]
    return dict(logged)


def expected_losses(run: str) -> dict[str, float]:
    return dict(json.loads(Path("losses.json").read_text())[run])


def rows(path: str) -> list[list[Any]]:
    """The lines of a CSV file or of a file's Markdown tables, numbers as numbers, without the head."""
    lines = Path(path).read_text().splitlines()
    if path.endswith(".md"):
        lines = [",".join(cell.strip() for cell in line.strip("|").split("|")) for line in lines if "|" in line]
    return [[number(cell) for cell in line.split(",")] for line in lines[1:]]


def number(text: str) -> Any:
    try:
        return pytest.approx(float(text), rel=1e-3, abs=1e-3)
    except ValueError:
        return text


def times(folder: str) -> dict[Path, int]:
    """When every file of a folder was written."""
    return {path: path.stat().st_mtime_ns for path in Path(folder).rglob("*") if path.is_file()}


# Flags, keys and names


@pytest.mark.parametrize("line", (V0 / "flags.txt").read_text().splitlines())
def test_every_flag_is_taken(line: str) -> None:
    """Only the last word is refused; a line that would be run needs no such word."""
    name, *words = shlex.split(line)
    script = name if name.startswith("cfmrestore.") else str(ROOT / "tools" / name)
    code, output = in_this_process(script, *words, "--of-no-version")
    assert code == 2
    assert output.rstrip().endswith("unrecognized arguments: --of-no-version")


def test_every_registry_name_and_key_is_known() -> None:
    assert len(load_config("my/every_key.py").plugins) > 80


@pytest.mark.parametrize("name", CONFIGS)
def test_every_config_is_there(name: str) -> None:
    overlay = Path("my/overlay.py")
    overlay.write_text(
        f'_base_ = "../configs/{name}.py"\nmodel = dict(sampling=dict(noise_fades_at=0.5, colour="mean"))\n'
    )
    for path in (f"configs/{name}.py", overlay):
        options = {"data_root": "photos", "val_root": "photos", "crop_size": 32, "protocol": "rgb"}
        cfg = load_config(path, {**options, "degradation": "configs/degradations/bicubic.py"})
        assert cfg.val_dataloader.dataset.data_root == "photos"
        assert cfg.train_dataloader.dataset.pipeline[0].size == 32
        assert cfg.val_evaluator[0].protocol == "rgb"


def test_every_preset_is_there() -> None:
    assert set(tool("degrade.py --list").split()) >= PRESETS


def test_what_has_no_photographs_is_there() -> None:
    load_config("configs/fm_boost/cfm_unet-305m_8xb4-lr3e-5_sd15-64to128.py")
    assert Restorer.from_pretrained("configs/cascade_x16.py", device="cpu").scale == 16


# Degradations


@pytest.mark.parametrize("name", ["mixed", "light", "blurs", "noises", "real_esrgan"])
def test_sidecars_are_replayed(name: str) -> None:
    tool(f"degrade.py photos --replay low/{name} --out again")
    assert_alike(Path("again"), Path("low", name), levels=0)


@pytest.mark.parametrize("name", ["mixed", "light", "blurs", "noises"])
def test_presets_draw_what_they_drew(name: str) -> None:
    source = "photos" if name == "mixed" else "photos/a.png"
    tool(f"degrade.py {source} --preset my/{name}.py --seed 3 --epoch 1 --out again")
    assert_alike(Path("again"), Path("low", name), levels=0)


def test_a_frozen_set() -> None:
    tool("degrade.py --verify set")
    tool("degrade.py photos --preset my/mixed.py --freeze --out again")
    assert_alike(Path("again"), Path("set"), levels=0)


# Trainings


def test_a_training_goes_on() -> None:
    """With the weights that were trained, and with their moving average, which the PSNR is of."""
    tool("train.py my/level.py --work-dir work/level --resume")
    wanted = {key: value for key, value in expected_losses("work/level").items() if key in ("3", "4", "PSNR")}
    assert len(wanted) == 3
    assert losses("work/level") == pytest.approx(wanted, rel=5e-4)


def test_a_training_goes_on_by_the_config_that_it_left() -> None:
    options = "train_cfg.max_iters=3 model.coupling.noise=None model.times.zero_probability=1.0"
    run = "work/study/regression/run"
    tool(f"train.py {run}/recipe.py --work-dir more --resume {run}/iter_2.pth --no-validate --cfg-options {options}")
    assert losses("more") == pytest.approx(expected_losses("more"), rel=5e-4)


@pytest.mark.parametrize("name", ["pairs", "latents"])
def test_a_training_on_other_data(name: str) -> None:
    options = "train_cfg.max_iters=1 param_scheduler.0.end=1 param_scheduler.1.begin=1 param_scheduler.1.end=2"
    tool(f"train.py my/{name}.py --work-dir run --no-validate --seed 7 --cfg-options {options}")
    assert losses("run") == pytest.approx(expected_losses(f"{name}_run"), rel=5e-4)


def test_a_training_on_the_bases() -> None:
    tool("train.py my/flow.py --work-dir run --no-validate")
    assert losses("run") == pytest.approx(expected_losses("work/flow"), rel=5e-4)


def test_publishing_a_training() -> None:
    tool(
        "publish_model.py work/level old-x2 --out fresh --sampling num_intervals=3 noise_fades_at=None colour=wavelet "
        "--card what=nothing licence=Apache-2.0 degradation=bicubic"
    )
    own, kept = (json.loads(Path(folder, "models.json").read_text())["old-x2"] for folder in ("fresh", "published"))
    assert {key: own[key] for key in kept if key != "sha256"} == {key: kept[key] for key in kept if key != "sha256"}
    one, other = (Restorer.from_pretrained(folder, device="cpu") for folder in ("fresh", "published"))
    image = Image.open("inputs/c.png")
    assert np.array_equal(one(image), other(image))


def test_a_study_is_known_as_done() -> None:
    before = {path: time for path, time in times("work/study").items() if path.name != "recipe.json"}
    assert len([path for path in before if path.suffix in (".pth", ".safetensors")]) == 4
    assert len([path for path in before if path.name == "sweep.json"]) == 2
    tool("study.py my/study.py --work-dir work/study --out fresh --page page.md")
    assert times("work/study").items() >= before.items()
    assert rows("fresh/set.md") == rows("study/set.md")
    assert rows("page.md") == rows("study/set.md")


# Restorations


OF_BUNDLED = {"shipped", "overlaid"}
"""By a model that has been trained on since: another file, and another picture."""


@pytest.mark.parametrize("name", REMAINS)
def test_results_are_known_as_done_and_made_again_alike(name: str) -> None:
    before = times(f"restored/{name}")
    if name in OF_BUNDLED:
        words = f"{REMAINS[name]} --threads 1 --out restored/{name}".split()
        code, _ = in_this_process(str(ROOT / "tools" / "restore.py"), *words)
        assert "c.png was made otherwise (another model)" in str(code)
    else:
        tool(f"restore.py {REMAINS[name]} --threads 1 --out restored/{name}")
    assert times(f"restored/{name}") == before
    tool(f"restore.py {REMAINS[name]} --threads 1 --out fresh")
    assert_alike(Path("fresh"), Path("restored", name), levels=60 if name in OF_BUNDLED else 1)


def test_results_of_other_settings_are_refused() -> None:
    words = REMAINS["asked"].replace("adain", "mean").split()
    code, _ = in_this_process(str(ROOT / "tools" / "restore.py"), *words, "--threads", 1, "--out", "restored/asked")
    assert "c_x3.png was made otherwise (color adain, now mean)" in str(code)


def test_the_config_on_the_bases_restores_alike() -> None:
    tool("restore.py inputs --model work/flow/iter_2.safetensors --config my/flow.py --threads 1 --out fresh")
    assert_alike(Path("fresh"), Path("restored/flow"))


def test_both_files_of_weights_restore_alike() -> None:
    image = Image.open("inputs/c.png")
    for suffix in (".pth", ".safetensors"):
        restorer = Restorer.from_pretrained(f"work/level/iter_2{suffix}", device="cpu")
        made = np.asarray(restorer(image, colour="mean", seed=0, tile=0)).astype(int)
        assert np.abs(made - pixels(Path("restored/level/c.png"))).max() <= 1


def test_keywords_of_the_restorer() -> None:
    keys: dict[str, Any] = {"scale": 3, "fidelity": 0.4, "num_intervals": 2, "solver": "Midpoint", "noise": 0.9}
    keys |= {"consistency": False, "colour": "adain", "tile": 0, "seed": 4}
    samples = Restorer.from_pretrained("work/flow", device="cpu", precision="fp32").sample(
        Image.open("inputs/c.png"), count=2, **keys
    )
    for index, image in enumerate(samples.images):
        kept = pixels(Path(f"restored/asked/c_x3_{index}.png"))
        assert np.abs(np.asarray(image).astype(int) - kept).max() <= 1


def test_lifted_latents_are_known_as_done_and_made_again_alike() -> None:
    command = "boost.py --from-latents latents --model work/study/posterior_mean/run --num-intervals 1 --batch 2"
    before = times("boosted")
    assert len(before) == 4
    tool(f"{command} --device cpu --precision fp32 --out boosted")
    assert times("boosted") == before
    tool(f"{command} --device cpu --precision fp32 --out fresh")
    assert_alike(Path("fresh"), Path("boosted"))


# Numbers


def test_a_result_is_measured_again_alike() -> None:
    tool(
        "test.py my/tested.py work/level --benchmarks set=set photos=photos --metrics psnr ssim haarpsi lrconsistency "
        "--protocol rgb --method level --out fresh.json --work-dir scratch"
    )
    assert rows("fresh.csv") == rows("results/level.csv")
    assert Path("pictures/sheet.png").is_file()
    tool("compare.py results/level.json fresh.json --samples 100 --out both.csv")
    found = rows("both.csv")
    pairs = [[row for row in found if row[1] == method] for method in ("level", "fresh")]
    assert [row[:1] + row[2:] for row in pairs[0]] == [row[:1] + row[2:] for row in pairs[1]]
    assert len(pairs[0]) == 2 * 5


def test_images_are_measured_again_alike() -> None:
    tool(
        "evaluate.py bilinear set/high --low set/low --metrics psnr ssim haarpsi --protocol rgb --method bilinear "
        "--name set --out fresh.json"
    )
    assert rows("fresh.csv") == rows("results/bilinear.csv")


def test_results_are_compared_as_they_were() -> None:
    pair = "results/level.json results/bilinear.json --samples 1000"
    tool(f"compare.py {pair} --out compared.md")
    told = [
        [cell.rstrip("+-= ") if isinstance(cell, str) else cell for row in rows(path) for cell in row]
        for path in ("compared.md", "results/compared.md")
    ]
    assert told[0] == told[1]  # but for the signs, which were once told of any number of images
    tool(f"compare.py {pair} --baseline level --out compared.json")
    found, kept = (json.loads(Path(path).read_text()) for path in ("compared.json", "results/compared.json"))
    for cell in (*found, *kept):
        cell.pop("better")
    assert [list(cell.values()) for cell in found] == [
        [pytest.approx(value, rel=1e-6) if isinstance(value, float) else value for value in cell.values()]
        for cell in kept
    ]
