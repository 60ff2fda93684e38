"""Methods beside each other: differences with their intervals, and what cannot be compared."""

import csv
import math
from pathlib import Path

import numpy as np
import pytest

from cfmrestore.apis.evaluate import evaluate_folders
from cfmrestore.reports import results
from cfmrestore.reports.compare import compare, fewest
from cfmrestore.reports.json_csv import read_json, write_json
from tests.apis.test_evaluate import noisy
from tests.testing import write_images


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return write_images(tmp_path / "photos", count=6, side=40)


def measured(target: Path, tmp_path: Path, sigma: float, **keys: object) -> Path:
    folder = noisy(target, tmp_path / f"noise_{sigma:g}", sigma)
    out = tmp_path / f"noise_{sigma:g}_{'_'.join(Path(str(v)).name for v in keys.values())}.json"
    evaluate_folders(folder, target, scale=4, out=str(out), **keys)  # type: ignore[arg-type]
    return out


def test_comparing(target: Path, tmp_path: Path) -> None:
    files = [measured(target, tmp_path, sigma) for sigma in (5, 10)]
    cells = {(c.method, c.metric): c for c in compare(files, out=tmp_path / "c.csv")}
    worse = cells["noise_10", "PSNR"]
    values = [results.read_result(path)["benchmarks"]["photos"]["values"]["restored"]["PSNR"] for path in files]
    assert worse.difference == pytest.approx(np.mean(np.subtract(values[1], values[0])))
    assert worse.low <= worse.difference <= worse.high < 0
    assert worse.better is False
    assert cells["noise_5", "PSNR"].low is None
    assert compare(files, baseline="noise_10")[1].better is True
    assert len(list(csv.DictReader((tmp_path / "c.csv").open()))) == 4
    named = compare([f"light={files[0]}", f"strong={files[1]}"])
    assert {cell.method for cell in named} == {"light", "strong"}
    with pytest.raises(ValueError, match="two results would be called 'a'"):
        compare([f"a={files[0]}", f"a={files[1]}"])


@pytest.mark.parametrize(("level", "images"), [(0.95, 6), (0.5, 2), (0.99, 8)])
def test_few_images_leave_it_open(level: float, images: int) -> None:
    """All signs alike are chance in one of 2^(n-1) sets, which must be rarer than the level allows."""
    assert fewest(level) == images
    assert 2.0 ** (1 - images) <= 1 - level < 2.0 ** (2 - images)


def test_two_images_do_not_tell(target: Path, tmp_path: Path) -> None:
    for path in sorted(target.iterdir())[2:]:
        path.unlink()
    cells = compare([measured(target, tmp_path, sigma) for sigma in (5, 10)])
    worse = next(cell for cell in cells if cell.method == "noise_10" and cell.metric == "PSNR")
    assert worse.high is not None
    assert worse.high < 0  # the bootstrap of two images is sure of itself
    assert worse.better is None


def test_what_cannot_be_compared(target: Path, tmp_path: Path) -> None:
    one = measured(target, tmp_path, 5)
    with pytest.raises(
        ValueError, match=r"by the protocol 'classic_y' and .* by 'rgb': such numbers cannot be compared"
    ):
        compare([one, measured(target, tmp_path, 5, protocol="rgb")])
    with pytest.raises(ValueError, match="no set of the same images in common"):
        compare([one, measured(write_images(tmp_path / "b", count=6, side=40, seed=9), tmp_path / "c", 5)])
    other = measured(target, tmp_path, 10, name="other")
    assert {cell.benchmark for cell in compare([one, other])} == {"photos (6 images)"}  # by another name
    write_images(tmp_path / "more" / "photos", count=7, side=40)
    with pytest.raises(ValueError, match="no set of the same images in common"):
        compare([one, measured(tmp_path / "more" / "photos", tmp_path / "more", 5)])
    with pytest.raises(ValueError, match="no method 'none'"):
        compare([one], baseline="none")
    (tmp_path / "x.json").write_text('{"format": 1}')
    for path in (tmp_path / "x.json", tmp_path / "none.json", target / "0.png"):
        with pytest.raises(ValueError, match="is no result file"):
            compare([one, path])


def test_other_inputs_are_refused(target: Path, tmp_path: Path) -> None:
    """Two degradations of the same targets are two tasks; older files tell by bicubic interpolation."""
    lows = [write_images(tmp_path / name, count=6, side=10, seed=seed) for seed, name in enumerate(("clean", "noisy"))]
    files = [measured(target, tmp_path, 5 + n, low=low) for n, low in enumerate(lows)]
    with pytest.raises(ValueError, match=rf"{files[0]} \(photos\) and {files[1]} \(photos\).* of other inputs"):
        compare(files)
    again = measured(target, tmp_path, 10, low=lows[0])
    assert {cell.method for cell in compare([files[0], again])} == {"bicubic", "noise_5", "noise_10"}
    silent = measured(target, tmp_path, 20)  # which does not say what its inputs were
    assert compare([files[0], silent])
    with pytest.raises(ValueError, match="of other inputs"):
        compare([silent, *files])
    for path in (*files, again):
        older = read_json(path)
        del older["benchmarks"]["photos"]["inputs_sha256"]
        write_json(path, older)
    with pytest.raises(ValueError, match="of other inputs"):
        compare(files)
    assert compare([files[0], again])


def test_a_file_that_is_given_twice(target: Path, tmp_path: Path) -> None:
    file = measured(target, tmp_path, 5)
    with pytest.raises(ValueError, match=r"noise_5_\.json is given twice, as 'a' and 'b'"):
        compare([f"a={file}", f"b={file}"])


def test_names_that_look_like_numbers_stay_names(tmp_path: Path) -> None:
    value = {"images": ["nan", "inf", "text: nan", "x"], "values": [1.0, math.inf, -math.inf]}
    write_json(tmp_path / "a.json", value)
    assert read_json(tmp_path / "a.json") == value
    (tmp_path / "a.json").write_text('["inf", "-inf", 2]')  # as before
    assert read_json(tmp_path / "a.json") == [math.inf, -math.inf, 2]


def test_a_comparison_replaces_no_result(target: Path, tmp_path: Path) -> None:
    file = measured(target, tmp_path, 5)
    before = file.read_bytes()
    with pytest.raises(ValueError, match="would be replaced by the comparison: name another file"):
        compare([file], out=file)
    assert file.read_bytes() == before
