"""What helps a newcomer: the list of models, what is installed, and completion."""

import json
import re
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

import cfmrestore
from cfmrestore import model_zoo
from cfmrestore.apis import doctor as api
from cfmrestore.cli.main import COMMANDS, main
from cfmrestore.engine.config.files import find_config
from tests.testing import environment


def test_the_models_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    main(["models"])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("|")[1].strip() for line in lines[2:]] == list(model_zoo.cards())
    main(["models", "--json"])
    rows = json.loads(capsys.readouterr().out)
    for row in rows:
        assert row["bytes"] == model_zoo.find_bundled(row["name"]).stat().st_size
        assert {"evaluations", "PSNR", "NIQE", "on"} == row["figures"].keys()


def test_every_config_that_is_listed_can_be_read(capsys: pytest.CaptureFixture[str]) -> None:
    main(["configs", "--json"])
    found = json.loads(capsys.readouterr().out)
    assert found["cfmrestore::lfm/lfm_adm_1xb128-lr2e-5_ffhq-256.py"] == "FFHQ at 256 pixels by ADM"
    assert all(found.values())
    assert not any("_base_" in name or "degradations" in name for name in found)
    for name in found:
        assert find_config(name).is_file()
    main(["configs"])
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == list(found)


def test_doctor_finds_all_well(capsys: pytest.CaptureFixture[str]) -> None:
    main(["doctor"])
    text = capsys.readouterr().out
    assert f"cfmrestore {cfmrestore.__version__}, python 3." in text
    assert "GiB free" in text
    assert text.endswith("all is well\n")


def test_doctor_names_what_is_missing_and_the_mend(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    needs = ["torch>=2.6", "not-there>=1", 'not-here>=2; extra == "video"', 'torch; extra == "demo"']
    monkeypatch.setattr(api, "requires", lambda name: needs)
    folder = shutil.copytree(model_zoo.FOLDER, tmp_path / "weights")
    (folder / "cfm-x4.safetensors").write_bytes(b"damaged")
    monkeypatch.setattr(model_zoo, "find_bundled", partial(model_zoo.find_bundled, folder=folder))
    with pytest.raises(SystemExit) as caught:
        main(["doctor"])
    assert caught.value.code == 1
    lines = capsys.readouterr().out.splitlines()
    assert "problem: not-there is missing: pip install 'not-there>=1'" in lines
    assert "extra video: no not-here: pip install 'cfmrestore[video]'" in lines
    assert "extra demo: installed" in lines
    assert any(line.startswith("problem:") and "cfm-x4.safetensors has the sha256" in line for line in lines)
    assert lines[-1] == "2 to mend"


def test_doctor_compares_versions_and_imports_what_is_there(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    needs = ["numpy<2,>=1.20", "torch>=2.6,<3", "mmengine>=0.10.7", 'pillow==11.0; extra == "demo"']
    versions = {"numpy": "2.4.6", "torch": "2.6.0+cpu", "mmengine": "0.10.7", "pillow": "12.0.0"}
    monkeypatch.setattr(api, "requires", lambda name: needs)
    monkeypatch.setattr(api, "version", versions.__getitem__)
    monkeypatch.setitem(sys.modules, "mmengine", None)
    with pytest.raises(SystemExit):
        main(["doctor"])
    lines = capsys.readouterr().out.splitlines()
    assert "problem: numpy 2.4.6 is too old or too new: pip install 'numpy<2,>=1.20'" in lines
    assert any(line.startswith("problem: mmengine 0.10.7 is installed, and cannot be imported (Mod") for line in lines)
    assert "extra demo: pillow 12.0.0 is too old or too new: pip install 'cfmrestore[demo]'" in lines
    assert not any("torch" in line for line in lines if line.startswith("problem"))


@pytest.mark.parametrize(
    ("number", "fits"), [("2.6", True), ("2.6.0rc1", True), ("2.5.9", False), ("2.10.1+cu128", True), ("3.0", False)]
)
def test_versions_are_compared_by_their_numbers(number: str, fits: bool) -> None:
    assert api._fits(number, "torch >=2.6.0,<3") is fits


@pytest.mark.parametrize("package", ["torch", "mmengine", "psutil"])
def test_doctor_says_what_cannot_be_imported(package: str) -> None:
    code = f"import sys; sys.modules[{package!r}] = None; from cfmrestore.cli.main import main; main(['doctor'])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment(), check=False)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert re.search(rf"^problem: {package} \S+ is installed, and cannot be imported", done.stdout, re.MULTILINE)
    assert done.stdout.endswith("1 to mend\n")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["restore", "--fid"], "--fidelity"),
        (["pai"], "pairs"),
        (["benchmark", "cho"], "choice"),
        (["benchmark", "ranks", "--strategies", "zer"], "zero1"),
        (["convert", "checkp"], "checkpoint"),
        (["completion", "z"], "zsh"),
        (["train", "x.py", "--launcher", "py"], "pytorch"),
        (["restore", "a.png", "--model", "cfm-web"], "cfm-web-x1"),
        (["restore", "a.png", "--model", "au"], "auto"),
        (["showcase", "cfm-realsr-x2"], "cfm-realsr-x2"),
    ],
)
def test_bash_completes(words: list[str], expected: str, capsys: pytest.CaptureFixture[str]) -> None:
    main(["completion", "bash"])
    script = capsys.readouterr().out
    asked = f'COMP_WORDS=(cfmrestore {" ".join(words)}); COMP_CWORD={len(words)}; _cfmrestore; echo "${{COMPREPLY[@]}}"'
    done = subprocess.run(["bash", "-c", script + asked], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [expected]
    assert all(f"\n        {name}) " in script for name in COMMANDS)


def test_zsh_takes_the_functions_of_bash(capsys: pytest.CaptureFixture[str]) -> None:
    main(["completion", "zsh"])
    assert capsys.readouterr().out.startswith("autoload -U +X bashcompinit")


def test_the_package_offers_what_people_import() -> None:
    from cfmrestore.restore.restorer import Restorer
    from cfmrestore.restore.sampler import Sampler

    assert cfmrestore.Restorer is Restorer
    assert cfmrestore.Sampler is Sampler
