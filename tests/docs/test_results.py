"""What was measured is in result files; pages, metafiles and cards say the same."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from cfmrestore import former_names
from cfmrestore.model_zoo import cards
from cfmrestore.reports.markdown import format_number
from tests.testing import ROOT

sys.path.insert(0, str(ROOT / "docs"))

from _generate.migration import migration_page
from _generate.report import filled, models, pages
from _generate.results import Result, load, results

RESULTS = results()
DIGITS = "recognized by `DigitClassifier`", "Fréchet distance in its features"
DREALSR = "93 pairs of DRealSR (two cameras)"
X2 = "100 held-out photographs of BSDS500, halved by `camera_or_web_x2`"
X1 = "the same photographs, degraded by `web_or_clean`"
METAFILE = {
    "cfm_unet-1.6m_x4": [("fast", "`cfm_unet-1.6m_x4.py`", "Set14", "natural NIQE")],
    "cfm_unet-1.6m_realsr-x4": [("fast", "`cfm_unet-1.6m_realsr-x4.py`, fidelity 1", DREALSR, "PSNR")],
    "cfm_x4_trajectory": [("cfm-x4", "fidelity 1", "set5", "PSNR"), ("cfm-x4", "fidelity 0", "set5", "natural NIQE")],
    **{f"cfm_x4_{name}": [("few_steps_photographs", row, "two evaluations, Set14", f"natural {metric}")
                          for metric in ("PSNR", "NIQE")]
       for name, row in {"rcgm": "RCGM", "shortcut": "Shortcut"}.items()},
    "cfm_unet-2.7m_x4_perceptual": [
        ("fast", "`cfm-x4-fast`, fidelity 1", "Set14", "PSNR"), ("fast", "`cfm-x4-fast`", "Set14", "natural NIQE"),
    ],
    "cfm_realsr_x4_perceptual": [
        ("fast", "`cfm_realsr_x4_perceptual.py`, fidelity 1", DREALSR, "PSNR"),
        ("fast", "`cfm_realsr_x4_perceptual.py`", DREALSR, "natural PSNR"),
    ],
    "cfm_unet-2.7m_realsr-x4_perceptual": [
        ("fast", "`cfm-realsr-x4`, fidelity 1", DREALSR, "PSNR"),
        ("fast", "`cfm-realsr-x4`", DREALSR, "natural PSNR"),
    ],
    "cfm_unet-2.7m_realsr-x2": [
        ("fast", "`cfm-realsr-x2`", X2, "natural PSNR"), ("fast", "x2`, fidelity 1", X2, "PSNR"),
    ],
    "cfm_unet-1.6m_web-x1": [("fast", "`cfm-web-x1`", X1, "natural NIQE"), ("fast", "x1`, fidelity 1", X1, "PSNR")],
    "digits_unet": [("digits_draws", "digits_unet", "", f"recognized={DIGITS[0]}"),
                    ("digits_draws", "digits_unet", "", f"Fréchet distance={DIGITS[1]}")],
    "digits_dit": [("digits_draws", "digits_dit", "", f"recognized={DIGITS[0]}"),
                   ("digits_draws", "digits_dit", "", f"Fréchet distance={DIGITS[1]}")],
    "scenes_semantic_tiny": [("scenes", "scenes_semantic_tiny", "200 held-out maps", "pixels of the right class")],
    "inpainting_photographs": [("inpainting", "fidelity 0", "", "PSNR in holes"),
                               ("inpainting", "fidelity 1", "", "smooth PSNR in holes")],
    **{f"digits_{name}": [("few_steps", row, "", f"{metric}={column}") for metric, column in
                          [("Fréchet distance at 1 evaluation", "1 evaluation"), ("at 2", "2"), ("at 4", "4")]]
       for name, row in {"consistency": "Consistency", "drifting": "Drifting", "mean_flow": "by a difference",
                         "mmd": "MMD", "rcgm": "RCGM", "reflow": "reflow", "shortcut": "Shortcut",
                         "trajectory": "Trajectory"}.items()},
}  # fmt: skip
"""Of a config's first data set: a result, its row and table, and the metric, with its column where that is another."""


def test_pages_are_what_the_results_make() -> None:
    for path, text in pages().items():
        assert path.read_text() == text, f"{path.relative_to(ROOT)}: make report"


def test_a_changed_number_changes_its_page() -> None:
    page = (ROOT / "docs" / "boundaries.md").read_text()
    rows = {"avatars, hat": {"strength 1": "3.5 %"}}
    changed = filled(page, {"boundaries": Result("", {"boundary": rows})})
    assert "3.5 %" in changed
    assert "2.5 %" not in changed.split("<!-- boundaries: end -->")[0]


@pytest.mark.parametrize("name", RESULTS)
def test_every_number_says_where_it_is_from(name: str) -> None:
    result = RESULTS[name]
    assert result.what
    assert all(row for rows in result.tables.values() for row in rows.values())
    if name.startswith("published/"):
        assert re.search(r"arXiv:\d{4}\.\d{5}", result.source)
        assert (result.commands, result.commit, result.protocol) == ((), "", "")
    else:
        assert all(one.startswith(("python tools/", "cfmrestore ")) for one in result.commands)
        assert result.commands
        assert result.protocol
        assert re.fullmatch(r"[0-9a-f]{7,}", result.commit)


def test_commits_are_of_this_repository() -> None:
    git = ["git", "-C", str(ROOT)]
    told = subprocess.run([*git, "rev-list", "--all"], capture_output=True, text=True, check=False).stdout.split()
    if not told or (ROOT / ".git" / "shallow").exists():
        pytest.skip("the history of the repository is not here")
    text = (ROOT / "docs" / "report.md").read_text()
    commits = {
        *re.findall(r"at\s+commit ([0-9a-f]{7,})", text),
        *(one.commit for one in RESULTS.values() if one.commit),
    }
    assert len(commits) > 5
    assert [one for one in commits if not any(known.startswith(one) for known in told)] == []


def test_every_table_is_on_a_page() -> None:
    text = "\n".join(path.read_text() for path in pages())
    for name, result in RESULTS.items():
        assert name == "naturalness" or all(f"| {corner}" in text for corner in result.tables), name


def test_metafiles_say_the_same() -> None:
    files = (ROOT / "configs").rglob("metafile.yml")
    models = {one["Name"]: one for path in files for one in yaml.safe_load(path.read_text())["Models"]}
    for config, places in METAFILE.items():
        metrics = models[config]["Results"][0]["Metrics"]
        for name, row, corner, metric in places:
            key, _, column = metric.partition("=")
            column = column or metric.removeprefix("natural ").removeprefix("smooth ")
            assert metrics[key] == RESULTS[name].number(row, column, corner), (config, metric)
    for model in models.values():
        assert not model["Weights"] or (ROOT / model["Weights"]).is_file()


def test_the_readme_has_a_row_for_each_card() -> None:
    rows = models(RESULTS).tables["model"]
    assert [*rows] == [f"`{name}`" for name in cards()]
    row = rows["`cfm-realsr-x4`"]
    assert (row["PSNR"], row["bicubic"], row["on"]) == ("30.26", "30.55 / 10.82", "DRealSR")
    assert all(f"| {name}" in (ROOT / "README.md").read_text() for name in rows)


def test_sentences_say_what_the_tables_say() -> None:
    """Of the page on the shipped models and of that on few steps."""
    text = (ROOT / "docs" / "models.md").read_text()
    realsr = RESULTS["cfm-realsr-x4"]
    gains = {
        corner: realsr.number("fidelity 1", "PSNR", corner) - realsr.number("bicubic", "PSNR", corner)
        for corner in realsr.tables
    }
    clean = gains.pop("set14_bicubic")
    assert f"is {min(gains.values()):.1f} dB and more above bicubic interpolation, on clean images {clean:.1f}" in text
    lost = [
        RESULTS["cfm-x4"].number(row, "PSNR", "set14") - realsr.number(row, "PSNR", "set14_bicubic")
        for row in ("fidelity 0", "fidelity 1")
    ]
    assert f"on clean ones it is {min(lost):.1f} to {max(lost):.1f} dB behind" in text
    seen = {row: RESULTS["naturalness"].text(row, "distance") for row in ("bicubic", "fidelity 0", "fidelity 1")}
    weights = (ROOT / "cfmrestore" / "weights" / "README.md").read_text()
    for page in (text, weights):
        assert all(f"({value})" in page or f"distance {value})" in page for value in seen.values())
    for said, page in (("0.090 to 0.123", text), ("(1.03) on Set14", weights)):
        assert said in page
        assert said in RESULTS["fast"].made()
    steps, teacher = RESULTS["few_steps"], RESULTS["few_steps_ends"].number("teacher", "Fréchet distance")
    euler = [steps.number("nothing", column) for column in ("2", "1 evaluation")]
    mmd = [steps.number("MMD", column) for column in ("2", "1 evaluation")]
    share = [round(100 * (e - m) / (e - teacher)) for e, m in zip(euler, mmd, strict=True)]
    told = " ".join((ROOT / "configs" / "few_steps" / "README.md").read_text().split())
    assert f"{share[0]} % of Euler's excess over the teacher at two evaluations and {share[1]} % at one" in told
    assert f"within {round(100 * (mmd[0] / teacher - 1))} % of the teacher's" in told


def test_mistakes_in_a_result_file_are_named(tmp_path: Path) -> None:
    file = tmp_path / "mine.yml"
    file.write_text("what: x\nprotokol: y\ntables: {}\n")
    with pytest.raises(ValueError, match=r"mine.yml has protokol; a result has command"):
        load(file)
    two = Result("", {"set": {"a, one": {"PSNR": "1"}, "a, two": {"PSNR": "none"}}})
    with pytest.raises(ValueError, match="too many values"):
        two.text("a", "PSNR")
    with pytest.raises(ValueError, match="'none' holds no number"):
        two.number("two", "PSNR")


def test_the_migration_page_has_all_that_was_renamed() -> None:
    page = migration_page()
    inventory = json.loads((ROOT / "tests" / "inventory.json").read_text())
    former = [*former_names.PLUGINS, *former_names.MODELS, *(key for one in former_names.KEYS.values() for key in one)]
    former += [*former_names.TOLD_BY_COUPLING, "cfm_x4.py", "cfm_realsr_x4.py", "--colour"]
    assert all(f"| `{name}`" in page for name in former)
    assert all(f"| `{new}` |" in page for new in former_names.PLUGINS.values())
    assert "--colour" in json.dumps(inventory)


def test_the_demo_ends_with_what_its_metafile_says() -> None:
    models = yaml.safe_load((ROOT / "configs" / "metafile.yml").read_text())["Models"]
    (tiny,) = (one for one in models if one["Name"] == "cfm_realsr_tiny")
    metrics, readme = tiny["Results"][0]["Metrics"], (ROOT / "README.md").read_text()
    for row, start in (("restored", ""), ("bicubic", "bicubic ")):
        cells = [format_number(metrics[f"{start}{key}"]) for key in ("PSNR", "SSIM")]
        assert f"| {row.ljust(8)} | {cells[0]} | {cells[1]} |" in readme
