"""The recipes of configs/few_steps: what each says of its teacher, its cost and its losses."""

from pathlib import Path

import pytest
import torch
import yaml

from cfmrestore.apis import load_config
from cfmrestore.registry import MODELS
from tests.testing import ROOT

FOLDER = ROOT / "configs" / "few_steps"
CONFIGS = sorted(FOLDER.glob("*.py"))
LISTED = {model["Name"]: model for model in yaml.safe_load((FOLDER / "metafile.yml").read_text())["Models"]}


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_a_recipe_is_a_sibling_of_its_teacher(path: Path) -> None:
    cfg = load_config(path)
    with torch.device("meta"):
        flow = MODELS.build(cfg.model)
    assert cfg.load_from == ("cfm-x4" if path.stem.startswith("cfm_x4") else "work_dirs/digits_unet")
    assert flow.sampling.guidance == 1
    assert not flow.conditions.droppable
    assert not cfg.model.network.get("dropout")
    assert cfg.optim_wrapper.optimizer.lr == 3e-4
    assert flow.sampling.nfe == (1 if "consistency" in path.stem else 2)
    reflow = path.stem.endswith("reflow")
    assert flow.network.flow_map is not reflow
    assert flow.sampling.solver.needs_flow_map is not reflow
    if not reflow:
        assert cfg.model.teacher.weights == cfg.load_from
        base = load_config(ROOT / "configs" / ("cfm_unet-1.6m_x4.py" if "cfm" in path.stem else "lfm/digits_unet.py"))
        assert cfg.model.teacher.get("guidance", 1) == base.model.sampling.get("guidance", 1)
        assert len(flow.losses) == 2


def test_the_metafile_lists_them() -> None:
    assert list(LISTED) == [path.stem for path in CONFIGS]
    assert all((ROOT / model["Config"]).is_file() for model in LISTED.values())
    assert "configs/few_steps/metafile.yml" in (ROOT / "model-index.yml").read_text()
