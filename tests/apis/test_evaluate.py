"""Folders of restored images: numbers, files, and wrong input."""

import csv
import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from cfmrestore.apis.evaluate import evaluate_folders
from cfmrestore.evaluation.protocols import find_protocol
from cfmrestore.evaluation.scores import MeasuredImages, Score, Scores
from cfmrestore.reports import results
from tests.testing import run_tool, write_images


def noisy(source: Path, folder: Path, sigma: float, suffix: str = "") -> Path:
    rng = np.random.default_rng(int(sigma))
    for path in sorted(source.rglob("*.png")):
        pixels = np.asarray(Image.open(path)).astype(np.float64)
        out = folder / path.relative_to(source)
        out.parent.mkdir(parents=True, exist_ok=True)
        made = np.clip(pixels + rng.normal(0, sigma, pixels.shape), 0, 255).round().astype(np.uint8)
        Image.fromarray(made).save(out.with_stem(out.stem + suffix))
    return folder


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return write_images(tmp_path / "photos", count=4, side=40)


def test_numbers_files_and_names(target: Path, tmp_path: Path) -> None:
    restored = noisy(target, tmp_path / "mine", 5, suffix="_x4")
    low = write_images(tmp_path / "low", count=4, side=10)
    result = evaluate_folders(
        restored, target, low=low, suffix="_x4", metrics=["psnr", "ssim", "lrconsistency"], out=str(tmp_path / "r.json")
    )
    own = result["benchmarks"]["photos"]
    assert result["method"] == "mine"
    assert own["images"] == ["0", "1", "2", "3"]
    a, b = (
        torch.from_numpy(np.asarray(Image.open(p))).permute(2, 0, 1)[None] / 255
        for p in (restored / "2_x4.png", target / "2.png")
    )
    assert own["values"]["restored"]["PSNR"][2] == float(find_protocol("classic_y").psnr(a, b, 4))
    assert own["rows"]["restored"]["PSNR"] == pytest.approx(np.mean(own["values"]["restored"]["PSNR"]))
    assert own["rows"]["bicubic"].keys() == {"PSNR", "SSIM", "LRConsistency"}
    assert results.read_result(tmp_path / "r.json") == json.loads(json.dumps(result))
    assert "Protocol classic_y" in (tmp_path / "r.md").read_text()
    lines = list(csv.DictReader((tmp_path / "r.csv").open()))
    assert len(lines) == 4 * 2
    assert float(lines[2]["PSNR"]) == own["values"]["restored"]["PSNR"][2]
    assert {"name", "channel", "crop"} <= result["protocol"].keys()


def test_equal_images_warn_and_survive_the_file(target: Path, tmp_path: Path) -> None:
    result = evaluate_folders(target, target, protocol="rgb", out=str(tmp_path / "r.json"))
    assert result["benchmarks"]["photos"]["rows"]["restored"]["PSNR"] == math.inf
    assert "PSNR of 4 images of restored is infinite" in result["warnings"][0]
    assert results.read_result(tmp_path / "r.json")["benchmarks"]["photos"]["rows"]["restored"]["PSNR"] == math.inf
    json.loads((tmp_path / "r.json").read_text(), parse_constant=lambda text: pytest.fail(text))


def test_an_encoder_that_gives_every_target_back_is_no_warning() -> None:
    columns = {"PSNR": Score(math.inf, {"a": math.inf, "b": math.inf})}
    lossy = {"PSNR": Score(40.0, {"a": math.inf, "b": 40.0})}
    for rows, said in (
        ({"encoder": columns}, []),
        ({"encoder": lossy}, ["set: PSNR of 1 images of encoder is infinite; the mean leaves them out"]),
        ({"restored": columns}, ["set: PSNR of 2 images of restored is infinite"]),
    ):
        scores = Scores(rows, {"PSNR": True}, images=MeasuredImages(["a", "b"], "0"))
        assert results.assemble("m", find_protocol("rgb"), {"set": scores}, {})["warnings"] == said


def test_no_scale_is_needed_without_a_border(target: Path, tmp_path: Path) -> None:
    """NIQE takes the whole image where no scale is known; networks and sets of features always do."""
    photos = write_images(tmp_path / "large", count=4, side=208)
    alone = evaluate_folders(photos, metrics=["niqe"])["benchmarks"]["large"]
    cropped = evaluate_folders(photos, metrics=["niqe"], scale=4)["benchmarks"]["large"]
    assert alone["scale"] is None
    assert alone["values"]["restored"]["NIQE"] != cropped["values"]["restored"]["NIQE"]
    whole = evaluate_folders(photos, metrics=["niqe"], protocol="pyiqa_y")["benchmarks"]["large"]
    assert alone["values"] == whole["values"]
    result = evaluate_folders(noisy(target, tmp_path / "mine", 5), target, metrics=["fid"], weights="seeded")
    assert result["benchmarks"]["photos"]["rows"]["restored"].keys() == {"FID"}


def test_too_few_images_are_refused_before_any_is_read(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (target / "3.png").unlink()
    monkeypatch.setattr("cfmrestore.apis.evaluate.read_sample", lambda *_: pytest.fail("an image was read"))
    with pytest.raises(ValueError, match="PrecisionRecall needs 4 images or more; the set has 3"):
        evaluate_folders(target, target, metrics=["precisionrecall"], weights="seeded")


def test_every_kind_of_file(tmp_path: Path) -> None:
    """Gray is compared as gray in color, 16 bits as the 8 that they round to, without their extensions."""
    rng = np.random.default_rng(0)
    gray = rng.integers(0, 256, (20, 20), np.uint8)
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    Image.fromarray(gray).save(tmp_path / "a" / "one.png")
    Image.fromarray(np.stack([gray] * 3, -1)).save(tmp_path / "b" / "one.bmp")
    Image.fromarray(gray.astype(np.uint16) * 257).save(tmp_path / "a" / "two.tif")
    Image.fromarray(gray).save(tmp_path / "b" / "two.png")
    result = evaluate_folders(tmp_path / "a", tmp_path / "b", protocol="rgb")
    assert result["benchmarks"]["b"]["values"]["restored"]["PSNR"] == [math.inf, math.inf]


def test_wrong_input(target: Path, tmp_path: Path) -> None:
    restored = noisy(target, tmp_path / "mine", 5)
    keys = {"scale": 4}
    with pytest.raises(ValueError, match="give the scale"):
        evaluate_folders(restored, target)
    with pytest.raises(ValueError, match="PSNR, SSIM compare with targets"):
        evaluate_folders(restored, **keys)
    with pytest.raises(ValueError, match="no metric 'pnsr'; did you mean"):
        evaluate_folders(restored, target, metrics=["pnsr"], **keys)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="holds no images"):
        evaluate_folders(tmp_path / "empty", target, **keys)
    with pytest.raises(ValueError, match=r"8 of 8 images are not in every folder \(would --suffix _x4 help\?\): 0"):
        evaluate_folders(noisy(target, tmp_path / "named", 5, suffix="_x4"), target, **keys)
    with pytest.raises(ValueError, match="does not end with the suffix '_x4'"):
        evaluate_folders(restored, target, suffix="_x4", **keys)
    (restored / "0.png").unlink()
    write_images(restored / "new", count=1)
    with pytest.raises(
        ValueError, match=r"2 of 5 images are not in every folder: 0 \(no restored\); new/0 \(no target\)"
    ):
        evaluate_folders(restored, target, **keys)
    (restored / "new" / "0.png").unlink()
    for name in ("0", "2"):
        Image.new("RGB", (30, 31)).save(restored / f"{name}.png")
    message = "2 images do not fit in size: 0: restored 30x31, target 40x40; 2: restored 30x31, target 40x40"
    with pytest.raises(ValueError, match=message):
        evaluate_folders(restored, target, **keys)
    with pytest.raises(ValueError, match="4 images do not fit in size: 0: restored 40x40, input 13x13"):
        evaluate_folders(target, target, low=write_images(tmp_path / "low", count=4, side=13), scale=4)
    for name in ("0", "2"):
        (restored / f"{name}.png").write_bytes(b"no image")
    with pytest.raises(ValueError, match=r"cannot read .*0\.png"):
        evaluate_folders(restored, target, **keys)
    with pytest.raises(ValueError, match=r"the result is a \.json file"):
        evaluate_folders(target, target, out=str(tmp_path / "r.txt"), **keys)


def test_sides_that_are_no_multiples_of_the_scale(tmp_path: Path) -> None:
    """An input of 3x3 is what 9x9 shrinks to by 3 and by 4: the given scale counts, and cuts its border."""
    photos = write_images(tmp_path / "photos", count=1, side=9)
    low = write_images(tmp_path / "low", count=1, side=3)
    for scale in (3, 4):
        evaluate_folders(noisy(photos, tmp_path / "mine", 5), photos, low=low, scale=scale, metrics=["psnr"])
    with pytest.raises(ValueError, match="1 images do not fit in size: 0: restored 9x9, input 3x3"):
        evaluate_folders(tmp_path / "mine", photos, low=low, scale=5, metrics=["psnr"])


def test_the_tools(target: Path, tmp_path: Path) -> None:
    restored = noisy(target, tmp_path / "mine", 5)
    page, out = tmp_path / "r.html", tmp_path / "r.json"
    run_tool("evaluate.py", restored, target, "--scale", 4, "--metrics", "psnr", "--out", out, "--report", page)
    assert "mine" in page.read_text()
    assert "| mine" in run_tool("compare.py", out, out, "--samples", 200)
    output = run_tool("evaluate.py", restored, target, "--protocol", "none", expect=1)
    assert "error: there is no protocol 'none'" in output
    assert "Traceback" not in output


def test_intervals_of_metrics_of_whole_sets(target: Path, tmp_path: Path) -> None:
    restored = noisy(target, tmp_path / "mine", 20)
    sets = {"metrics": ["psnr", "kid:SeededNet", "fid:SeededNet"], "min_images": 2, "patches": 2, "patch_side": 16}
    row = evaluate_folders(restored, target, protocol="rgb", interval=0.9, **sets)["benchmarks"]["photos"]["rows"]
    for name in ("pKD (SeededNet)", "pFD (SeededNet)"):
        value, low, high = (row["restored"][name + end] for end in ("", " low", " high"))
        assert low < value < high
    with pytest.raises(ValueError, match="an interval is of metrics of whole sets: name fid"):
        evaluate_folders(restored, target, protocol="rgb", interval=0.9, metrics=["psnr", "ssim"])


def test_pictures_too_small_for_niqe_are_named(target: Path) -> None:
    with pytest.raises(ValueError, match=r"'0': NIQE needs .* got 40x40: leave niqe out, or give larger pictures"):
        evaluate_folders(target, metrics=["niqe"])
