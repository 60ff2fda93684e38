"""Studies: what they train, in which order, what they write, and that nothing is done twice."""

import json
from pathlib import Path

import pytest
from PIL import Image

from cfmrestore.analysis.study import StudyJob, plan, study
from tests.testing import ROOT, TINY, call_tool, run_tool, small_options, write_images

AXES = """
base = {base!r}
options = {{
    "model.network.middle_attention": False,
    "test_evaluator": [dict(type="PSNR"), dict(type="NIQE"), dict(type="NFE")],
}}
axes = dict(
    encoder={{"Haar 2": {{"model.encoder.factor": 2}}}},
    coupling={{
        "after": {{"model.coupling.type": "PosteriorMean", "model.coupling.network": "${{model.network}}",
                   "model.coupling.weights": "{{coupling=regression}}"}},
        "regression": {{"model.coupling.noise": None, "model.times.zero_probability": 1.0, "intervals": [1]}},
    }},
)
intervals = [1, 2]
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "pair.py"
    path.write_text(AXES.format(base=str(TINY)))
    return path


def test_the_projects_own_study_can_be_read() -> None:
    own = plan.read_study(ROOT / "configs" / "study" / "couplings.py")
    assert len(own.runs) == 18
    first, second = own.waves()
    assert {run.choices["coupling"] for run in second} == {"posterior mean, noise 0.1"}
    assert len(first) == 15
    assert next(run for run in own.runs if run.choices["coupling"] == "regression").intervals == [1]


@pytest.mark.slow
def test_a_study_from_trainings_to_plots(file: Path, tmp_path: Path) -> None:
    high = write_images(tmp_path / "high", count=2, side=208)
    options = small_options(tmp_path)
    page = tmp_path / "page.md"
    page.write_text("<!-- set: begin -->\n<!-- set: end -->\n")
    args = [file, "--work-dir", tmp_path / "runs", "--out", tmp_path / "out", "--benchmarks", f"set={high}"]
    told = run_tool("study.py", *args, "--page", page, options=options)
    made = json.loads((tmp_path / "out" / "study.json").read_text())
    assert [(run["coupling"], [row["NFE"] for row in run["benchmarks"]["set"]["rows"]]) for run in made["runs"]] == [
        ("regression", [1]),
        ("after", [2, 3]),
    ]
    assert made["runs"][1]["parameters"] > 1.5 * made["runs"][0]["parameters"]  # two networks
    assert {"PSNR", "NIQE"} <= made["runs"][0]["benchmarks"]["set"]["bicubic"].keys()
    for name in ("plane", "costs", "solvers"):
        assert Image.open(tmp_path / "out" / f"set_{name}.png").size[0] > 500
    lines = [line for line in page.read_text().splitlines() if line.startswith("|")]
    assert len(lines) == 2 + 1 + 3
    assert all(line in told for line in lines)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "runs").rglob("*.pth")}
    assert run_tool("study.py", *args, options=options).count("| Haar 2") == 3  # nothing is trained or measured again
    assert before == {path: path.stat().st_mtime_ns for path in (tmp_path / "runs").rglob("*.pth")}
    with pytest.raises(ValueError, match="was trained otherwise than Haar 2, regression"):
        study(file, tmp_path / "runs", tmp_path / "out", benchmarks={"set": str(high)}, options={"crop_size": 24})


def test_a_training_that_was_stopped_is_not_measured(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SIGTERM makes a training return as if it were done."""
    monkeypatch.setattr("cfmrestore.analysis.study.train", lambda *args, **keys: None)
    with pytest.raises(ValueError, match="was stopped before iter_6: the same command goes on with it"):
        study(
            file, tmp_path / "runs", tmp_path / "out", benchmarks={"s": str(tmp_path)}, options=small_options(tmp_path)
        )
    assert not list((tmp_path / "runs").rglob("sweep.json"))


def test_another_benchmark_trains_nothing_again(file: Path, tmp_path: Path) -> None:
    run = plan.read_study(file, {"a": "x"}).runs[1]
    jobs = [StudyJob(run, {"a": where}, tmp_path, {}) for where in ("x", "y")]
    assert jobs[0].training == jobs[1].training
    assert jobs[0].measuring("a=x") != jobs[1].measuring("a=y")
    other = plan.read_study(file, {"a": "x"}, {"crop_size": 24}).runs[1]
    assert StudyJob(other, {}, tmp_path, {}).training != jobs[0].training


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("base = 'a.py'\n", "a study has axes, base, benchmarks"),
        ("base = 'a.py'\naxes = {}\nsolver = 'Euler'\n", "got axes, base, solver"),
        ("base = 'a.py'\naxes = dict(a={'x': {'k': '{a=z}'}})\nbenchmarks = dict(s='s')\n", "does not train: z"),
        (
            "base = 'a.py'\naxes = dict(a={'x': {'k': '{a=y}'}, 'y': {'k': '{a=x}'}})\nbenchmarks = dict(s='s')\n",
            "in a circle",
        ),
        ("base = 'a.py'\naxes = dict(a={'x': {}, '(x)': {}})\nbenchmarks = dict(s='s')\n", "whose names differ"),
        ("base = 'a.py'\naxes = dict(a={'(': {}})\nbenchmarks = dict(s='s')\n", "whose names differ"),
        ("base = 'a.py'\naxes = {}\nbenchmarks = dict(s='s')\n", "axes are dicts of choices"),
        ("base = 'a.py'\naxes = dict(a=['x'])\nbenchmarks = dict(s='s')\n", "axes are dicts of choices"),
        ("base = 'a.py'\naxes = dict(a={'x': {}})\nintervals = 4\nbenchmarks = dict(s='s')\n", "intervals is a list"),
        ("base = 'a.py'\naxes = dict(a={'x': {}})\n", "name benchmarks"),
    ],
)
def test_what_is_no_study(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "bad.py"
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        plan.read_study(path)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    assert "there is no file or folder 'none.py'" in call_tool("study.py", "none.py", "--out", tmp_path)
