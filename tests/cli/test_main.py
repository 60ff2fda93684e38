"""The command line: what is said at once, what a wrong word leads to, and who starts the same command."""

import argparse
import importlib
import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cfmrestore import __version__
from cfmrestore.apis import load_config
from cfmrestore.cli import common
from cfmrestore.cli import main as cli
from cfmrestore.cli.parser import check_there, long_flags
from tests.testing import ROOT, environment, in_this_process, write_images

LIGHT = """
import sys
from cfmrestore.cli.main import main

for arguments in (["--help"], ["--version"], [], ["nothing"], ["train"], *([name, "--help"] for name in %s),
                  ["restore", "x", "--wrong"], ["train", "x", "--cfg-options", "a=1", "--wrong"]):
    try:
        main(arguments)
    except SystemExit:
        pass
print("heavy:", {"torch", "mmengine", "numpy", "cfmrestore.registry"} & set(sys.modules))
"""
MISSING = """
import sys
from cfmrestore.cli.main import main

root = %r
for arguments in (["restore", root + "/foto.png"], ["restore", root + "/none/*.png"], ["train", root + "/x.py"],
                  ["compare", root + "/x.json"], ["sheet", f"label={root}/zzz"],
                  ["restore", root + "/photo.png", "--model", root + "/pair"], ["sample", "cfm-x5"],
                  ["test", root + "/photo.png", "work_dirs/none"], ["train", "cfm_realsr_tiny.py"]):
    try:
        main(arguments)
    except SystemExit as end:
        print(end.code)
print("heavy:", {"torch", "mmengine", "numpy", "cfmrestore.registry"} & set(sys.modules))
"""
BENCHMARKS = ("train", "ranks", "degrade", "metrics", "restore", "choice")


@pytest.fixture
def _files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What commands are to read, in the working directory."""
    for name in ("x", "x.py", "x.png", "x.json", "y.pth"):
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)


def fail(*arguments: object) -> str | int | None:
    with pytest.raises(SystemExit) as caught:
        cli.main([str(argument) for argument in arguments])
    return caught.value.code


def test_help_and_wrong_flags_import_nothing_heavy() -> None:
    code = LIGHT % (cli.COMMANDS,)
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment())
    assert run.stdout.splitlines()[-1] == "heavy: set()"


def test_the_help_has_a_line_a_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert fail("--help") == 0
    text = " ".join(capsys.readouterr().out.split())
    for name in cli.COMMANDS:
        summary = cli.build_parser(name).description
        assert summary is not None
        assert f" {name} {summary.splitlines()[0]} " in text


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert fail("--version") == 0
    assert capsys.readouterr().out == f"cfmrestore {__version__}\n"


def test_the_package_is_the_command() -> None:
    assert in_this_process("cfmrestore", "--version") == (0, f"cfmrestore {__version__}\n")


def test_inpainting_says_where_a_model_comes_from(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_images(tmp_path, count=1)
    photo, mask, drawn = tmp_path / "0.png", tmp_path / "1.png", np.zeros((32, 32), np.uint8)
    drawn[8:16, 8:16] = 255
    Image.fromarray(drawn).save(mask)
    way = "no shipped model inpaints: cfmrestore train cfmrestore::lfm/inpainting_photographs.py makes one"
    assert way in str(fail("inpaint", photo, mask))
    assert way in str(fail("inpaint", photo, mask, "--model", "auto"))
    assert way in str(fail("inpaint", photo, mask, "--model", "cfm-web-x1"))
    assert fail("inpaint", "--help") == 0
    assert "cfmrestore train cfmrestore::lfm/inpainting_photographs.py" in " ".join(capsys.readouterr().out.split())


def test_a_wrong_flag_is_said_with_the_name_of_its_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert fail("compare", "a.json", "--wrong") == 2
    said = capsys.readouterr().err
    assert said == (
        "cfmrestore compare --help lists all flags\ncfmrestore compare: error: unrecognized arguments: --wrong\n"
    )
    assert fail("compare", "a.json", "--base_line=x") == 2
    assert capsys.readouterr().err.endswith("unrecognized arguments: --base_line=x; did you mean --baseline?\n")
    assert fail("benchmark", "network", "--precison") == 2
    said = capsys.readouterr().err
    assert said.startswith("cfmrestore benchmark network --help lists all flags\n")
    assert said.endswith("unrecognized arguments: --precison; did you mean --precisions?\n")


def test_a_key_of_the_config_that_is_taken_for_a_flag(capsys: pytest.CaptureFixture[str]) -> None:
    for given, option in (
        (["--max-iters", "5"], "train_cfg.max_iters=5"),
        (["--lr=1e-4"], "optim_wrapper.optimizer.lr=1e-4"),
        (["--batch_size"], "train_dataloader.batch_size=..."),
    ):
        assert fail("train", "x.py", *given) == 2
        hint = f"it is a key of the config: --cfg-options {option}"
        assert capsys.readouterr().err.endswith(f"unrecognized arguments: {' '.join(given)}; {hint}\n")


def test_the_keys_that_are_taken_for_flags_are_keys_of_configs() -> None:
    module = cli._module("train")
    assert not {f"--{word}" for word in module.KEYS} & set(long_flags(cli.build_parser("train")))
    load_config(ROOT / "configs" / "cfm_x4.py", {key: 1 for key in module.KEYS.values() if key != "load_from"})


def test_a_wrong_word_leads_to_the_one_that_was_meant(capsys: pytest.CaptureFixture[str]) -> None:
    assert fail("restor") == 2
    assert capsys.readouterr().err.endswith("error: argument COMMAND: there is no 'restor'; did you mean 'restore'?\n")
    assert fail("x") == 2
    assert "there is no 'x'; known are: benchmark, boost, " in capsys.readouterr().err
    assert fail("convert", "adn", "a", "b") == 2
    assert capsys.readouterr().err.endswith("there is no 'adn'; did you mean 'adm'?\n")


def test_a_missing_file_is_said_before_anything_heavy_is_imported(tmp_path: Path) -> None:
    (tmp_path / "photo.png").touch()
    (tmp_path / "a=b").mkdir()
    (tmp_path / "pairs").mkdir()
    run = subprocess.run(
        [sys.executable, "-c", MISSING % (str(tmp_path),)], capture_output=True, text=True, check=True,
        env=environment(),
    )  # fmt: skip
    lines = run.stdout.splitlines()
    assert lines[0] == f"error: there is no file or folder '{tmp_path}/foto.png'; did you mean '{tmp_path}/photo.png'?"
    assert lines[1:5] == [
        f"error: there is no file or folder '{tmp_path}/none/*.png'",
        f"error: there is no file or folder '{tmp_path}/x.py' (`cfmrestore configs` lists those of the package)",
        f"error: there is no file or folder '{tmp_path}/x.json'",
        f"error: there is no file or folder 'label={tmp_path}/zzz'",
    ]
    assert lines[5].startswith(f"error: there is no model '{tmp_path}/pair': name a checkpoint, a work directory, ")
    assert lines[5].endswith(f"; did you mean '{tmp_path}/pairs'?")
    assert lines[6].endswith("; did you mean 'cfm-x4'?")
    assert lines[7].startswith("error: there is no model 'work_dirs/none': ")
    assert lines[8].endswith("'cfm_realsr_tiny.py'; did you mean 'cfmrestore::cfm_realsr_tiny.py'?")
    assert lines[9:] == ["heavy: set()"]
    for there in (f"{tmp_path}/p*.png", f"{tmp_path}/a=b", f"label={tmp_path}", "cfmrestore::x.py"):
        check_there(argparse.Namespace(one=there, many=[there], no=None), ("one", "many", "no"))


def test_what_commands_read_are_arguments_of_theirs() -> None:
    for name in cli.COMMANDS:
        known = {action.dest for action in cli.build_parser(name)._actions}
        assert {*getattr(cli._module(name), "READS", ()), *getattr(cli._module(name), "MODELS", ())} <= known


def test_what_a_user_can_mend_is_one_line(tmp_path: Path) -> None:
    assert (
        fail("compare", tmp_path / "none.json")
        == in_this_process(str(ROOT / "tools" / "compare.py"), tmp_path / "none.json")[0]
    )
    said = fail("compare", tmp_path / "none.json")
    assert isinstance(said, str)
    assert said.startswith("error: ")
    assert "\n" not in said
    assert fail("showcase", "cfm-x4", "--sets", "a") == "error: expected NAME=VALUE; got 'a'"
    assert fail("train", ROOT / "configs" / "cfm_x4.py", "--cfg-options", "a") == "error: expected KEY=VALUE; got 'a'"


@pytest.mark.usefixtures("_files")
def test_an_interruption_says_how_to_go_on(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupt(args: argparse.Namespace) -> None:
        raise KeyboardInterrupt

    for words, said in (
        (("train", "x.py"), "interrupted; go on with the same command and --resume"),
        (("study", "x.py", "--out", "y"), "interrupted; the same command goes on where it stopped"),
        (("sweep", "x.py", "y.pth", "--out", "y"), "interrupted"),
    ):
        monkeypatch.setattr(cli._module(words[0]), "run", interrupt)
        with pytest.raises(SystemExit, match=r"^130$"):
            cli.main(words)
        assert capsys.readouterr().err == said + "\n"


def test_every_script_is_a_command() -> None:
    scripts = {
        path.relative_to(ROOT / "tools").as_posix(): re.findall(r'main\(command="([\w-]+)"\)', path.read_text())
        for path in (ROOT / "tools").rglob("*.py")
        if path.parent.name != "peers" and path.name != "check_wheel.py"  # other projects' methods; of make test
    }
    assert all(len(names) == 1 for names in scripts.values())
    assert {names[0] for names in scripts.values()} == set(cli.COMMANDS) - {
        "demo",
        "models",
        "configs",
        "doctor",
        "completion",
    }
    assert fail("degrade", "--help") == in_this_process(str(ROOT / "tools" / "degrade.py"), "--help")[0] == 0
    assert in_this_process("cfmrestore.cli", "--version") == (0, f"cfmrestore {__version__}\n")
    assert "usage: python -m cfmrestore.demo " in in_this_process("cfmrestore.demo", "--help")[1]


def test_a_former_flag_says_its_present_name(capsys: pytest.CaptureFixture[str]) -> None:
    parser = cli.build_parser("restore")
    assert parser.parse_args(["a.png", "--colour", "wavelet"]).color == "wavelet"
    assert capsys.readouterr().err == "warning: --colour is called --color now\n"
    assert parser.parse_args(["a.png", "--color", "adain"]).color == "adain"
    assert parser.parse_args(["a.png"]).color is None
    assert capsys.readouterr().err == ""
    assert "--colour" not in parser.format_help()


def test_options_are_read_as_openmmlab_reads_them() -> None:
    pairs = ["a=1", "b.c=x", "d=[1,(2.5,y)]", "e=True", "f=", "g=None", "h=k=1"]
    assert common.parse_options(pairs) == {
        "a": 1, "b.c": "x", "d": [1, (2.5, "y")], "e": True, "f": "", "g": None, "h": "k=1",
    }  # fmt: skip
    assert common.parse_options(None) is None
    pairs = ["a.b=[dict(type='MSE', weight=-8.0), {'type': \"Shortcut\", 'intervals': ()}]", "c=1"]
    assert common.parse_options(pairs) == {
        "a.b": [{"type": "MSE", "weight": -8.0}, {"type": "Shortcut", "intervals": ()}], "c": 1,
    }  # fmt: skip
    for wrong in (
        "a=[dict(type=MSE)]",
        "a={'b': open('x')}",
        "a=[dict(",
        "a=dict({'b': 1})",
        "a={**b}",
        "a={[1]: 2}",
        "a=dict(**{'b': 1})",
    ):
        with pytest.raises(ValueError, match="a is no list or dictionary as a config has them"):
            common.parse_options([wrong])
    assert common.parse_options(["a=iter_{}.pth", "b=/x/{y}"]) == {"a": "iter_{}.pth", "b": "/x/{y}"}
    given = ["x.py", "--cfg-options", "a=1", "b=2", "--seed", "3", "--cfg-options", "c=3"]
    assert cli.build_parser("train").parse_args(given).cfg_options == ["a=1", "b=2", "c=3"]


@pytest.mark.usefixtures("_files")
def test_the_rank_of_an_old_launcher_is_handed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCAL_RANK", "7")
    monkeypatch.delenv("LOCAL_RANK")
    monkeypatch.setattr(cli._module("train"), "run", lambda args: None)
    cli.main(["train", "x.py", "--local-rank=2"])
    assert os.environ["LOCAL_RANK"] == "2"
    cli.main(["train", "x.py", "--local_rank=1"])
    assert os.environ["LOCAL_RANK"] == "2"  # torchrun's own word counts


def test_threads_wait_asleep_unless_the_user_says_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    for said, kept in ((None, "PASSIVE"), ("ACTIVE", "ACTIVE")):
        monkeypatch.setenv("OMP_WAIT_POLICY", said or "")
        if said is None:
            monkeypatch.delenv("OMP_WAIT_POLICY")
        assert fail("--version") == 0
        assert os.environ["OMP_WAIT_POLICY"] == kept


@pytest.mark.parametrize(
    "command", [[str(ROOT / "tools" / "restore.py"), "nothing.png"], ["-m", "cfmrestore.demo", "--model", "nothing"]]
)
@pytest.mark.slow
def test_openmp_reads_the_policy(command: list[str], tmp_path: Path) -> None:
    """Before torch loads it; it says itself how often a thread looks for work before it sleeps."""
    variables = {**environment(), "OMP_DISPLAY_ENV": "VERBOSE"}
    del variables["OMP_WAIT_POLICY"]
    (tmp_path / "nothing.png").touch()
    done = subprocess.run([sys.executable, *command], env=variables, cwd=tmp_path, capture_output=True, check=False)
    said = done.stderr.decode()
    assert "error: " in said
    assert said.count("GOMP_SPINCOUNT = '0'") == said.count("GOMP_SPINCOUNT = ") > 0


def test_a_number_of_threads_is_positive() -> None:
    with pytest.raises(ValueError, match=r"threads must be 1 or more, at most .* here; got 0"):
        common.use_threads(0)
    assert common.tile("auto") == "auto"
    assert common.tile("64") == 64


@pytest.mark.parametrize(
    ("words", "place"),
    [
        ("train x.py", "cfmrestore.apis.train.train"),
        ("test x.py y.pth", "cfmrestore.apis.test.evaluate_checkpoint"),
        ("evaluate x", "cfmrestore.apis.evaluate.evaluate_folders"),
        ("compare x.json", "cfmrestore.reports.compare.compare"),
        ("sweep x.py y.pth --out z", "cfmrestore.analysis.sweep.sweep"),
        ("study x.py --out z", "cfmrestore.analysis.study.study"),
        ("restore x.png", "cfmrestore.apis.restore.restore"),
        ("boost fox", "cfmrestore.apis.boost.boost"),
        ("degrade x --preset bicubic --out z", "cfmrestore.apis.degrade.degrade"),
        ("showcase x", "cfmrestore.analysis.showcase.showcase"),
        ("publish x y --out z", "cfmrestore.analysis.publish.publish"),
        ("convert lfm x y", "cfmrestore.apis.convert.convert"),
        ("print-config x.py", "cfmrestore.apis.print_config.print_config"),
        *((f"benchmark {name}", f"cfmrestore.analysis.benchmarks.{name}.benchmark_{name}") for name in BENCHMARKS),
    ],
)
@pytest.mark.usefixtures("_files")
def test_flags_are_parameters_of_what_is_called(words: str, place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, _, name = place.rpartition(".")
    module, bound = importlib.import_module(folder), list[inspect.BoundArguments]()
    signature = inspect.signature(getattr(module, name))

    def call(*args: object, **keys: object) -> list[Path]:
        bound.append(signature.bind(*args, **keys))
        raise KeyboardInterrupt

    monkeypatch.setattr(module, name, call)
    with pytest.raises(SystemExit, match=r"^130$"):
        cli.main(words.split())
    assert len(bound) == 1


@pytest.mark.slow
def test_torchrun_starts_a_script_and_the_module(tmp_path: Path) -> None:
    source = write_images(tmp_path / "source", count=3)
    launcher = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node=2", "--master_port=0", "--standalone"]
    for folder, command in (
        ("script", [str(ROOT / "tools" / "degrade.py")]),
        ("module", ["-m", "cfmrestore.cli", "degrade"]),
    ):
        words = [*launcher, *command, str(source), "--preset", "bicubic", "--out", str(tmp_path / folder)]
        subprocess.run(words, check=True, env=environment(), cwd=tmp_path, capture_output=True)
    made = {path.name: path.read_bytes() for path in (tmp_path / "script").glob("*.png")}
    assert len(made) == 3
    assert made == {path.name: path.read_bytes() for path in (tmp_path / "module").glob("*.png")}
