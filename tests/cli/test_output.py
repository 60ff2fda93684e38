"""What commands say, and where: results, progress, nothing, JSON."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from cfmrestore.apis import train as api
from cfmrestore.cli import main as cli
from cfmrestore.cli.main import COMMANDS, build_parser, main
from cfmrestore.engine import jobs
from cfmrestore.engine.jobs import TimeLeft, run_jobs, track
from cfmrestore.process import cores, is_quiet, quiet_pipes, readable_errors
from tests.restore.flows import save_model
from tests.testing import TINY, environment, write_images

Read = pytest.CaptureFixture[str]
JSON = {"restore", "evaluate", "compare", "models", "configs", "doctor", "test", "sweep", "degrade", "sample",
        "inpaint", "edit", "boost", "cache", "pairs", "export"}  # fmt: skip


def test_every_command_can_be_quiet_and_many_speak_json() -> None:
    assert {name for name in COMMANDS if getattr(cli._module(name), "JSON", False)} == JSON
    for name in set(COMMANDS) - {"benchmark"}:
        text = build_parser(name).format_help()
        assert "--quiet" in text
        assert ("--json " in text) == (name in JSON), name


@pytest.fixture
def images(tmp_path: Path) -> Path:
    return write_images(tmp_path / "images", count=2, side=24)


def restored(images: Path, *flags: str) -> list[str]:
    model = save_model(images.parent / "small.pth")
    out = images.parent / "out"
    return ["restore", str(images), "--model", str(model), "--out", str(out), "--overwrite", "--threads", "1", *flags]


def test_restoring(images: Path, capsys: Read) -> None:
    files = [str(images.parent / "out" / f"{k}.png") for k in range(2)]
    main(restored(images))
    assert capsys.readouterr() == (f"2 files written, the last is {files[1]}\n", "")  # short work shows no progress
    main(restored(images, "--json"))
    out, err = capsys.readouterr()
    assert json.loads(out) == {"files": files}
    assert err == f"2 files written, the last is {files[1]}\n"
    main(restored(images, "--quiet"))
    assert capsys.readouterr() == ("", "")
    main(restored(images, "--quiet", "--json"))
    out, err = capsys.readouterr()
    assert json.loads(out) == {"files": files}
    assert err == ""
    assert not is_quiet()


def test_an_error_is_heard_in_any_case(images: Path, capsys: Read) -> None:
    with pytest.raises(SystemExit, match="error: sampling needs a fidelity from 0 to 1"):
        main(restored(images, "--quiet", "--json", "--fidelity", "3"))
    out, err = capsys.readouterr()
    assert json.loads(out) == {"error": "sampling needs a fidelity from 0 to 1; got 3.0"}
    assert err == ""


def test_results_are_said_also_quietly(images: Path, capsys: Read) -> None:
    words = ["evaluate", str(images), str(images), "--protocol", "rgb", "--quiet"]
    main(words)
    out, err = capsys.readouterr()
    assert "| restored | inf" in out
    assert err == ""
    main([*words, "--json"])
    result = json.loads(capsys.readouterr().out)
    assert result["benchmarks"]["images"]["rows"]["restored"]["PSNR"] == "inf"  # as in result files


def test_presets_have_a_sentence(capsys: Read) -> None:
    main(["degrade", "--list", "--json"])
    presets = json.loads(capsys.readouterr().out)["presets"]
    assert presets["colorize"] == "Gray photographs"
    assert all(len(sentence) > 10 for sentence in presets.values())


def test_a_problem_ends_with_its_code(capsys: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    from cfmrestore.apis import doctor

    found = {"problems": ["x is missing"], "versions": {}, "system": "s", "devices": [], "extras": {}, "plugins": []}
    monkeypatch.setattr(doctor, "doctor", lambda: {**found, "models": []})
    with pytest.raises(SystemExit) as caught:
        main(["doctor", "--json"])
    assert caught.value.code == 1
    assert json.loads(capsys.readouterr().out)["problems"] == ["x is missing"]


def test_a_second_run_in_one_folder_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = []
    runner = SimpleNamespace(train=torch.nn.Identity, hooks=[])
    monkeypatch.setattr(api, "build_runner", lambda cfg: begun.append(cfg) or runner)
    words = ["train", str(TINY), "--work-dir", str(tmp_path)]
    main(words)
    save_model(tmp_path / "iter_5.pth")
    (tmp_path / "last_checkpoint").write_text("iter_5.pth")
    mend = r"iter_5\.pth is of a run before: --resume goes on with it, another --work-dir keeps both apart"
    with pytest.raises(SystemExit, match=mend):
        main(words)
    main([*words, "--resume"])
    assert [cfg.resume for cfg in begun] == [False, True]


def test_one_rank_alone_says_that_nothing_is_resumed(
    tmp_path: Path, capsys: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "build_runner", lambda cfg: SimpleNamespace(train=torch.nn.Identity, hooks=[]))
    for first in (True, False):
        monkeypatch.setattr(api, "is_main_process", lambda first=first: first)
        api.train(TINY, work_dir=str(tmp_path), resume="auto")
        assert ("--resume: there is no checkpoint in" in capsys.readouterr().out) is first


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, which a test moves."""
    now = [0.0]
    monkeypatch.setattr(jobs.time, "monotonic", lambda: now[0])
    return now


def work(clock: list[float]) -> Callable[[int], int]:
    def job(number: int) -> int:
        clock[0] += 20
        return number

    return job


def test_a_log_has_a_line_every_half_minute(clock: list[float], capsys: Read) -> None:
    assert run_jobs(work(clock), [5, 6, 7, 8]) == [5, 6, 7, 8]
    lines = capsys.readouterr().err.splitlines()
    assert lines == ["2/4 6 100 %, 0:40 left, 20.0 s each", "4/4 8 100 %, took 1:20, 20.0 s each"]


def test_a_long_item_is_told_before_it_ends(clock: list[float], capsys: Read) -> None:
    progress = TimeLeft([1.0])
    progress.begin("large.png")
    progress.set_size((30, 40))
    for part in (0.1, 0.2, 0.3):
        clock[0] += 31
        progress.update(part)
    assert capsys.readouterr().err.splitlines()[0] == "1/1 large.png 40x30 10 %, 4:39 left"


def test_a_terminal_has_one_line(clock: list[float], capsys: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    for _ in track(["a", "b"]):
        clock[0] += 0.5
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert err.endswith("\r2/2 b 100 %, took 0:01, 2.0 a second\x1b[K\n")
    assert re.findall(r"\r(\S+) ", err) == ["1/2", "1/2", "2/2", "2/2"]


def test_one_name_for_all(clock: list[float], capsys: Read) -> None:
    for _ in track([[1], [2]], "batches"):
        clock[0] += 31
    assert [line[:12] for line in capsys.readouterr().err.splitlines()] == ["1/2 batches ", "2/2 batches "]


def test_cores_are_counted_where_the_system_does_not_tell_whose(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("os.sched_getaffinity", raising=False)
    monkeypatch.setattr("os.cpu_count", lambda: 3)
    assert cores() == 3


@pytest.mark.parametrize("words", ["completion bash", "degrade --list", "degrade --list --json"])
def test_a_reader_that_stops_ends_it_quietly(words: str) -> None:
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "cfmrestore.cli", *words.split()]
    done = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, env=environment(), text=True, check=False)
    os.close(write)
    assert done.returncode == 141
    assert "rror" not in done.stderr


def test_only_a_broken_pipe_changes_how_a_command_ends() -> None:
    with pytest.raises(BrokenPipeError), readable_errors():
        raise BrokenPipeError
    with pytest.raises(SystemExit) as caught, quiet_pipes():
        sys.exit(3)
    assert caught.value.code == 3
