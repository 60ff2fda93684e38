"""A run that goes on with other settings than it had says so."""

from pathlib import Path

import pytest

from cfmrestore.apis import load_config
from cfmrestore.apis.train import tell_changes
from tests.testing import TINY


def test_changed_settings_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    load_config(TINY).dump(tmp_path / Path(TINY).name)
    tell_changes(load_config(TINY), tmp_path)
    tell_changes(load_config(TINY, {"train_cfg.max_iters": 7, "load_from": "x"}), tmp_path)  # longer, from elsewhere
    assert capsys.readouterr().err == ""
    batch = load_config(TINY).train_dataloader.batch_size
    tell_changes(load_config(TINY, {"train_dataloader.batch_size": batch + 1, "data_root": "mine"}), tmp_path)
    told = capsys.readouterr().err
    assert "warning: the run goes on with other settings: data_root (" in told
    assert f"train_dataloader.batch_size ({batch} before)" in told
    tell_changes(load_config(TINY, {"data_root": "mine"}), tmp_path / "elsewhere")
    assert capsys.readouterr().err == ""


def test_nothing_beside_a_checkpoint_is_executed(tmp_path: Path) -> None:
    (tmp_path / Path(TINY).name).write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\ndata_root = 'x'\n")
    tell_changes(load_config(TINY), tmp_path)
    assert not (tmp_path / "ran").exists()
