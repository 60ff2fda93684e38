"""The configs of the project: how deep their bases go, what a base says, and former names."""

import ast
from pathlib import Path

import pytest

from cfmrestore.apis import load_config
from cfmrestore.engine.config import presets
from tests.testing import ROOT

CONFIGS = ROOT / "configs"
RENAMED = {"cfm_x4.py": "cfm_unet-1.6m_x4.py", "cfm_realsr_x4.py": "cfm_unet-1.6m_realsr-x4.py"}
TASK = {"scale", "degradation", "target"}
OWNED = {
    "datasets": {
        "data_root",
        "val_root",
        "crop_size",
        "protocol",
        "train_pipeline",
        "imagenet_root",
        "worker_degradation",
    }
    | {f"{stage}_{what}" for stage in ("val", "test") for what in ("dataloader", "evaluator", "cfg")}
    | {"train_dataloader"},
    "models": {"model", "encoder_path"},
    "schedules": {"train_cfg", "optim_wrapper", "param_scheduler", "auto_scale_lr"},
}


def keys(path: Path) -> dict[str, ast.expr]:
    body = ast.parse(path.read_text()).body
    return {node.targets[0].id: node.value for node in body if isinstance(node, ast.Assign)}  # type: ignore[attr-defined]


def levels(path: Path) -> int:
    """A file and the longest chain of its bases."""
    base = ast.literal_eval(keys(path).get("_base_", ast.List([])))
    return 1 + max((levels(path.parent / one) for one in ([base] if isinstance(base, str) else base)), default=0)


def test_no_config_is_more_than_three_levels_deep(tmp_path: Path) -> None:
    found = {path.relative_to(CONFIGS).as_posix(): levels(path) for path in CONFIGS.rglob("*.py")}
    assert max(found.values()) == 3, found
    assert found["cfm_realsr.py"] == 2
    assert {depth for name, depth in found.items() if name.startswith("_base_")} == {1}
    (tmp_path / "mine.py").write_text(f"_base_ = [{str(CONFIGS / 'cfm_realsr_tiny.py')!r}]")
    assert levels(tmp_path / "mine.py") == 4


@pytest.mark.parametrize("kind", OWNED)
def test_a_base_says_what_its_folder_is_called_after(kind: str) -> None:
    for path in (CONFIGS / "_base_" / kind).glob("*.py"):
        assert keys(path).keys() <= OWNED[kind] - TASK, path.name


def test_the_example_is_a_recipe_in_one_file() -> None:
    said = keys(CONFIGS / "cfm_realsr.py")
    assert ast.literal_eval(said["_base_"]) == "_base_/default_runtime.py"
    own = OWNED["datasets"] - {"imagenet_root", "worker_degradation"}
    assert said.keys() >= own | OWNED["schedules"] | TASK | {"model"}
    assert load_config(CONFIGS / "cfm_realsr.py").degradation == presets.resolved("blur_noise_jpeg")["degradation"]


@pytest.mark.parametrize("base", ["datasets/photographs", "models/cfm_haar", "schedules/adamw_200k"])
def test_the_bases_say_what_the_example_says(base: str) -> None:
    """The recipe stands in one file; a recipe of one's own takes its parts from the bases."""
    whole, part = keys(CONFIGS / "cfm_realsr.py"), keys(CONFIGS / "_base_" / f"{base}.py")
    assert {key: ast.dump(value) for key, value in part.items()} == {key: ast.dump(whole[key]) for key in part}


@pytest.mark.parametrize("former", RENAMED)
def test_a_former_name_is_the_same_config(former: str) -> None:
    assert keys(CONFIGS / former).keys() == {"_base_"}
    assert load_config(CONFIGS / former)._cfg_dict == load_config(CONFIGS / RENAMED[former])._cfg_dict
