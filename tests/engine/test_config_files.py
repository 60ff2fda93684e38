"""Where configs are found: by a path, by the package's name, as a base, beside another."""

from pathlib import Path

import pytest

from cfmrestore.apis import load_config
from cfmrestore.apis.print_config import print_config
from cfmrestore.engine.config import files, presets
from cfmrestore.engine.setup import prepare_config
from cfmrestore.restore.stages import find_model
from tests.testing import ROOT, TINY


def test_a_config_of_the_package_by_its_name() -> None:
    assert files.configs_folder() == ROOT / "configs"
    assert files.find_config("cfmrestore::cfm_realsr_tiny.py") == TINY
    cfg = load_config("cfmrestore::cfm_realsr_tiny.py")
    assert cfg._cfg_dict == load_config(TINY)._cfg_dict
    assert Path(cfg.filename) == TINY
    prepared = prepare_config("cfmrestore::cfm_realsr_tiny.py", work_dir=None, launcher="none", options=None)
    assert prepared.work_dir == "work_dirs/cfm_realsr_tiny"
    assert find_model("cfmrestore::cascade_x16.py") == ROOT / "configs" / "cascade_x16.py"
    assert presets.read("cfmrestore::degradations/denoise.py").scale == 1


def test_a_base_by_its_name(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text("_base_ = ['cfmrestore::cfm_realsr_tiny.py', 'more.py']\nscale = 2")
    (tmp_path / "more.py").write_text("_base_ = 'cfmrestore::degradations/bicubic.py'")
    with pytest.raises(ValueError, match="Duplicate key is not allowed among bases"):
        load_config(path)
    (tmp_path / "more.py").write_text("find_unused_parameters = True")
    cfg = load_config(path)
    assert cfg.find_unused_parameters
    assert cfg.model == load_config(TINY, {"scale": 2}).model
    path.write_text("_base_ = 'cfmrestore::fm_boost/cfm_unet-305m_8xb4-lr3e-5_sd15-64to128.py'")
    assert load_config(path).model.network.base_channels == 128


def test_a_name_that_is_none_leads_to_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"'cfmrestore::cfm_realsr_tny.py'; did you mean 'cfm_realsr_tiny.py'"):
        load_config("cfmrestore::cfm_realsr_tny.py")
    path = tmp_path / "mine.py"
    path.write_text("_base_ = 'cfmrestore::cfm_realsr_tny.py'")
    with pytest.raises(ValueError, match=r"did you mean 'cfm_realsr_tiny.py'"):
        load_config(path)
    path.write_text("_base_ = 'mmagic::esrgan/esrgan.py'")
    with pytest.raises(ValueError, match="cannot be read: ModuleNotFoundError"):
        load_config(path)  # other packages' names are mmengine's to find


def test_a_config_beside_another() -> None:
    assert files.find_config("../a.py", Path("b", "c")) == Path("b", "c", "..", "a.py")
    assert files.find_config("/a.py", "b") == Path("/a.py")
    assert files.find_config("cfmrestore::cascade_x16.py", "b") == ROOT / "configs" / "cascade_x16.py"


@pytest.mark.parametrize("suffix", [".py", ".json", ".yaml"])
def test_a_printed_config_is_the_config_that_runs(
    suffix: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    expected = load_config(TINY, {"scale": 2})
    print_config(TINY, options={"scale": 2}, out=tmp_path / f"c{suffix}")
    assert capsys.readouterr().out == ""
    again = load_config(tmp_path / f"c{suffix}")
    assert as_lists(again._cfg_dict) == as_lists(expected._cfg_dict)
    print_config(TINY, options={"scale": 2}, format=suffix.lstrip("."))
    assert capsys.readouterr().out == (tmp_path / f"c{suffix}").read_text()


def test_a_format_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"'c.txt': a config is written as .py, .json, .yaml, .yml"):
        print_config(TINY, out="c.txt")
    print_config(TINY, out=tmp_path / "c.txt", format="json")
    assert (tmp_path / "c.txt").read_text().startswith("{")


def as_lists(value: object) -> object:
    if isinstance(value, dict):
        return {key: as_lists(one) for key, one in value.items()}
    return [as_lists(one) for one in value] if isinstance(value, list | tuple) else value
