"""The page of a result: what it shows is the worst, and it is one file."""

import json
import re
from collections.abc import Callable, Mapping
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from cfmrestore.reports.html import worst_images, write_report
from cfmrestore.reports.html.histogram import bin_counts, bin_edges, format_value
from cfmrestore.reports.html.pictures import Rectangle, around, largest_error

EVIL = 'a"><script>alert(1)</script>.png'
Pictures = Callable[[str, str], Mapping[str, np.ndarray]]


def make_result(images: int = 6, **changes: Any) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    psnr, ssim, lpips = rng.normal(28, 3, images), rng.uniform(0.7, 0.95, images), rng.uniform(0.05, 0.4, images)
    restored = {"PSNR": psnr.tolist(), "SSIM": ssim.tolist(), "LPIPS": lpips.tolist()}
    bicubic = {"PSNR": (psnr - 1.5).tolist(), "SSIM": (ssim - 0.05).tolist(), "LPIPS": (lpips + 0.15).tolist()}
    rows = {
        row: {metric: float(np.mean(values)) for metric, values in table.items()}
        for row, table in (("restored", restored), ("bicubic", bicubic))
    }
    rows["restored"]["FID"], rows["bicubic"]["FID"] = 41.25, 77.5
    benchmark = {
        "num_images": images,
        "images": [EVIL, *(f"photograph_{index}.png" for index in range(1, images))],
        "images_sha256": "ab12cd34" * 8,
        "rows": rows,
        "values": {"restored": restored, "bicubic": bicubic},
        "seconds_per_image": 0.5,
    }
    return {
        "format": 1,
        "method": "cfm_realsr",
        "protocol": {"name": "classic_y", "channel": "y", "border": 4, "scale": 4, "range": [16, 235]},
        "versions": {"cfmrestore": "0.1.0", "torch": "2.13.0", "numpy": "2.3"},
        "warnings": [],
        "benchmarks": {"Set5": benchmark},
        "higher_is_better": {"PSNR": True, "SSIM": True, "LPIPS": False, "FID": False},
        **changes,
    }


def values_of(result: dict[str, Any], row: str = "restored") -> dict[str, list[float | None]]:
    return result["benchmarks"]["Set5"]["values"][row]


def make_pictures(
    height: int = 96, width: int = 128, names: tuple[str, ...] = ("bicubic", "restored", "target")
) -> Pictures:
    def pictures(benchmark: str, name: str) -> dict[str, np.ndarray]:
        rng = np.random.default_rng(sum(name.encode()))
        coarse = Image.fromarray(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8))
        target = np.array(coarse.resize((width, height), Image.Resampling.NEAREST))
        restored = np.array(coarse.resize((width, height), Image.Resampling.BICUBIC))
        flat = np.full_like(target, 60)
        return {k: v for k, v in {"bicubic": flat, "restored": restored, "target": target}.items() if k in names}

    return pictures


def written(folder: Path, result: dict[str, Any], pictures: Pictures | None = None, **options: Any) -> str:
    path = folder / "report.html"
    write_report(path, result, pictures or make_pictures(), **options)
    return path.read_text(encoding="utf-8")


class Outline(HTMLParser):
    """What a page is made of; complains where tags do not close in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in {"input", "meta"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def count(self, tag: str, **attributes: str) -> int:
        return sum(name == tag and attributes.items() <= found.items() for name, found in self.tags)


@pytest.mark.parametrize(("higher", "expected"), [(True, [2, 4, 0]), (False, [3, 1, 0])])
def test_the_worst_are_the_worst_in_both_directions(higher: bool, expected: list[int]) -> None:
    values = [3.0, 4.0, 1.0, 5.0, 2.0, None, float("nan")]
    assert worst_images(values, higher, 3) == expected
    assert worst_images([None, None], higher, 3) == []


def test_infinite_values_have_their_place() -> None:
    values = [float("inf"), 1.0, -float("inf")]
    assert worst_images(values, True, 3) == [2, 1, 0]
    assert worst_images(values, False, 1) == [0]


def test_the_page_shows_the_worst_first(tmp_path: Path) -> None:
    result = make_result()
    text = written(tmp_path, result, worst=2)
    for metric, higher in (("PSNR", True), ("LPIPS", False)):
        part = text.split(f"Worst by {metric}")[1].split("</details>")[0]
        order = np.argsort(values_of(result)[metric])
        worst = order[:2] if higher else order[::-1][:2]
        found = re.findall(r'<span class="rank">\d\.</span>(.*?)</h4>', part)
        names = result["benchmarks"]["Set5"]["images"]
        assert [name.endswith("&gt;.png") or name in names for name in found] == [True, True]
        assert [names.index(name) if name in names else 0 for name in found] == worst.tolist()


@pytest.mark.parametrize(("y", "x"), [(0, 0), (40, 100), (95, 127), (64, 3)])
def test_the_largest_error_is_found(y: int, x: int) -> None:
    target = np.full((96, 128, 3), 100, dtype=np.uint8)
    restored = target + np.random.default_rng(0).integers(0, 2, target.shape, dtype=np.uint8)
    restored[y, x] = 255
    window = largest_error(restored, target, 16)
    assert (window.height, window.width) == (16, 16)
    assert window.top <= y < window.top + 16
    assert window.left <= x < window.left + 16
    error = np.square(restored.astype(int) - target).sum(axis=2)
    places = [(t, s) for t in range(96 - 15) for s in range(128 - 15)]
    best = max(error[t : t + 16, s : s + 16].sum() for t, s in places)
    assert window.cut(error).sum() == best


def test_one_wrong_pixel_stands_in_the_middle() -> None:
    target = np.zeros((96, 128, 3), dtype=np.uint8)
    restored = target.copy()
    restored[50, 60, 1] = 9
    window = largest_error(restored, target, 16)
    assert abs(window.top + 8 - 50) <= 1
    assert abs(window.left + 8 - 60) <= 1


def test_an_error_downwards_counts_like_one_upwards() -> None:
    restored, target = np.full((40, 40, 3), 100, np.uint8), np.full((40, 40, 3), 100, np.uint8)
    restored[5, 5], restored[30, 30] = 110, 80
    window = largest_error(restored, target, 8)
    assert window.top <= 30 < window.top + 8


def test_small_pictures_have_small_windows() -> None:
    picture = np.zeros((20, 100, 3), dtype=np.uint8)
    window = largest_error(picture, picture, 64)
    assert (window.top, window.height, window.width) == (0, 20, 64)


def test_a_large_picture_is_cut_around_the_window() -> None:
    window = Rectangle(3000, 10, 64, 64)
    view = around(window, (3100, 2000), 1600)
    assert view == Rectangle(1500, 0, 1600, 1600)
    assert window.inside(view) == Rectangle(1500, 10, 64, 64)
    assert around(window, (3100, 900), 1600) == Rectangle(1500, 0, 1600, 900)
    assert around(Rectangle(1000, 1000, 64, 64), (3000, 3000), 1600) == Rectangle(232, 232, 1600, 1600)


def test_the_page_says_that_a_picture_is_cut(tmp_path: Path) -> None:
    text = written(tmp_path, make_result(1), make_pictures(40, 1800), worst=1)
    assert "A part of 1600 by 40 pixels around the marked place, of 1800 by 40." in text
    assert "A part of" not in written(tmp_path, make_result(1), worst=1)


def test_the_crop_of_a_cut_picture_is_where_the_error_is(tmp_path: Path) -> None:
    target = np.zeros((40, 1800, 3), np.uint8)
    restored = target.copy()
    restored[20, 1700] = 255
    text = written(tmp_path, make_result(1), lambda *_: {"restored": restored, "target": target}, worst=1)
    crop = next(found for tag, found in Outline(text).tags if tag == "canvas")
    assert int(crop["data-left"] or "") <= 1700 - 200 < int(crop["data-left"] or "") + 64
    assert (crop["data-top"], crop["width"], crop["height"]) == ("0", "64", "40")


def test_names_are_escaped(tmp_path: Path) -> None:
    result = make_result(warnings=["<b>low</b> & <script>x</script>"], method="<i>m</i>")
    result["protocol"]["note"] = result["versions"]["<u>"] = "<script>"
    result["benchmarks"]["<Set&5>"] = result["benchmarks"].pop("Set5")
    outline = Outline(written(tmp_path, result))
    assert [found.get("type") for tag, found in outline.tags if tag == "script"].count(None) == 1
    assert not {"b", "i", "u"} & {tag for tag, _ in outline.tags}


def test_an_image_is_embedded_once(tmp_path: Path) -> None:
    result = make_result()
    asked: list[str] = []

    def pictures(benchmark: str, name: str) -> Mapping[str, np.ndarray]:
        asked.append(name)
        return make_pictures()(benchmark, name)

    outline = Outline(written(tmp_path, result, pictures))
    assert asked == result["benchmarks"]["Set5"]["images"]
    assert outline.count("script", type="text/plain") == 6 * 3
    assert outline.count("li", **{"class": "card panel"}) == 6 * 3
    ids = [found["id"] for _, found in outline.tags if "id" in found]
    assert len(ids) == len(set(ids))
    assert [found["aria-labelledby"] for _, found in outline.tags if "aria-labelledby" in found] == [
        "benchmark-0-title"
    ]
    assert "benchmark-0-title" in ids
    used = {found["data-picture"] for _, found in outline.tags if "data-picture" in found}
    assert used == {i for i in ids if str(i).startswith("picture-")}


def test_the_pictures_are_kept_without_loss(tmp_path: Path) -> None:
    import base64
    import io

    noise = np.random.default_rng(0).integers(0, 256, (24, 30, 3), dtype=np.uint8)
    text = written(tmp_path, make_result(1), lambda *_: {"restored": noise})
    (stored,) = re.findall(r'data-format="image/webp">(.*?)</script>', text)
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(base64.b64decode(stored)))), noise)


def test_missing_values_break_nothing(tmp_path: Path) -> None:
    result = make_result()
    values_of(result)["PSNR"][:3] = [None, float("nan"), float("inf")]
    values_of(result)["NIQE"] = [None] * 6
    values_of(result, "bicubic")["SSIM"] = [None] * 6
    rows = result["benchmarks"]["Set5"]["rows"]
    rows["restored"]["PSNR"], rows["bicubic"]["SSIM"], rows["encoder"] = float("inf"), None, {"FID": float("nan")}
    result["higher_is_better"]["NIQE"] = False
    result["protocol"]["limit"] = float("nan")
    del result["benchmarks"]["Set5"]["values"]["bicubic"]["LPIPS"]
    text = written(tmp_path, result)
    Outline(text)
    assert "Worst by PSNR: 4 of 6" in text
    assert "Worst by NIQE" not in text
    assert "3 of 6 images not drawn" in text
    places = re.findall(r' (?:x|y|x1|x2|y1|y2|width|height)="(.*?)"', text)
    assert all(np.isfinite(float(place)) for place in places)


def test_an_almost_empty_result(tmp_path: Path) -> None:
    Outline(written(tmp_path, {"method": "m", "benchmarks": {"none": {}}}))
    Outline(written(tmp_path, {"method": "m", "benchmarks": {}}))


@pytest.mark.parametrize("names", [("restored",), ("bicubic", "restored"), ("restored", "target")])
def test_pictures_may_be_missing(tmp_path: Path, names: tuple[str, ...]) -> None:
    outline = Outline(written(tmp_path, make_result(), make_pictures(names=names), worst=1))
    cards = outline.count("li", **{"class": "card panel"})
    assert cards == 3
    assert outline.count("input") == cards * (len(names) > 1)
    assert outline.count("canvas") == cards * len(names) * (len(names) > 1)
    assert outline.count("button") == 0


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"target": np.zeros((8, 8, 3), np.uint8)}, "no restored picture"),
        ({"restored": np.zeros((8, 8, 3), np.float32)}, "of 8 bits"),
        ({"restored": np.zeros((8, 8, 3), np.uint8), "target": np.zeros((8, 9, 3), np.uint8)}, "one size"),
        ({"restored": np.zeros((8, 8), np.uint8)}, "need"),
    ],
)
def test_wrong_pictures_are_named(tmp_path: Path, given: dict[str, np.ndarray], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        written(tmp_path, make_result(), lambda *_: given)
    assert list(tmp_path.iterdir()) == []


def test_wrong_numbers_of_values_are_named(tmp_path: Path) -> None:
    result = make_result()
    values_of(result, "bicubic")["SSIM"].pop()
    with pytest.raises(ValueError, match="'bicubic' has 5 values of SSIM for 6 images"):
        written(tmp_path, result)
    with pytest.raises(ValueError, match="one worst image"):
        written(tmp_path, make_result(), worst=0)


def test_the_table_marks_the_best(tmp_path: Path) -> None:
    result = make_result()
    result["benchmarks"]["Set5"]["rows"] = {
        "restored": {"PSNR": 30.0, "LPIPS": 0.3, "NIQE": 5.0},
        "bicubic": {"PSNR": 28.0, "LPIPS": 0.2, "NIQE": 6.0},
    }
    table = written(tmp_path, result).split("<tbody>")[1].split("</tbody>")[0]
    assert re.findall("<strong>(.*?)</strong>", table) == ["30.00", "0.2000"]
    result["benchmarks"]["Set5"]["rows"]["restored"]["NFE"] = 2.0
    result["higher_is_better"]["NFE"] = False
    assert written(tmp_path, result).count("<strong>") == 2  # what has no rival is not the best


def test_warnings_stand_on_top(tmp_path: Path) -> None:
    text = written(tmp_path, make_result(warnings=["only 5 images", "other weights"]))
    assert text.index("only 5 images") < text.index("<h1>")
    assert 'class="warnings"' not in written(tmp_path, make_result())


@pytest.mark.parametrize(
    "values", [[1.0], [0.3, 0.1, 0.2], [30.0] * 5, [-5.0, 1e9], [0.0, 0.0], [1e12, 1e12 + 1e-3], [5e-324, 1.0]]
)
def test_every_value_is_in_a_bin(values: list[float]) -> None:
    edges = bin_edges(values, 10)
    assert bin_counts(values, edges).sum() == len(values)
    assert 1 <= len(edges) - 1 <= 25


def test_numbers() -> None:
    assert [format_value(v) for v in (30.123, 0.91234, float("inf"), -float("inf"))] == [
        "30.12",
        "0.9123",
        "\u221e",
        "-\u221e",
    ]
    assert format_value(None) == format_value(float("nan")) == "\u2013"


def test_the_same_result_makes_the_same_file(tmp_path: Path) -> None:
    result = make_result()
    text = written(tmp_path, json.loads(json.dumps(result)))
    assert text == written(tmp_path, result)
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
