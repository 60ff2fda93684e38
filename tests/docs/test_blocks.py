"""Every shell and Python block of README and docs is run, or a comment before it says why not."""

from itertools import groupby
from pathlib import Path

import pytest

from tests.docs.blocks import PAGES, Block, blocks
from tests.docs.sandbox import fill, run_command, run_python
from tests.testing import ROOT

PREPARED = {
    "boundaries.md": [
        "cfmrestore train configs/editing/avatars.py",
        "cfmrestore fit-boundary work_dirs/avatars Avatars --attribute smile --time 0.7"
        " --out boundaries/smile.safetensors",
        "rm -r work_dirs/avatars",  # which the page trains itself, to the same weights
    ],
    "comfyui.md": ["mkdir -p ComfyUI/custom_nodes"],
    "evaluate.md": [
        "cfmrestore train configs/cfm_realsr.py",
        "cp work_dirs/cfm_realsr/iter_2.safetensors work_dirs/cfm_realsr/iter_5000.safetensors",
        "cp -r restored work_dirs/real_esrgan",
        "cp -r target large",
        "cfmrestore degrade data/photographs/held_out --preset bicubic --freeze --out work_dirs/set",
        "cfmrestore test configs/cfm_realsr.py work_dirs/cfm_realsr --out work_dirs/ours.json",
        "cp work_dirs/ours.json work_dirs/theirs.json",
    ],
    "few_steps.md": ["cfmrestore train configs/cfm_realsr.py"],
    "flow_edit.md": ["cfmrestore train configs/lfm/digits_unet.py"],
    "models.md": ["cfmrestore train configs/cfm_realsr_tiny.py --work-dir work_dirs/mine"],
    "releasing.md": ["mkdir -p docs/_build/html", "touch docs/_build/html/index.html"],
    "restore.md": [
        "rm -r restored",
        "cfmrestore train configs/cfm_realsr.py",
        "cp -r work_dirs/cfm_realsr work_dirs/demo",
    ],
}
"""What was done before on other pages: commands that the sandbox of a page begins with."""


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_blocks_run(page: Path, tmp_path: Path) -> None:
    folder = fill(tmp_path)
    for command in PREPARED.get(page.name, []):
        run_command(command, folder)
    kept = [block for block in blocks(page) if block.runs]
    for language, group in groupby(kept, key=lambda block: block.language):
        if language == "python":
            run_python(list(group), folder)
        else:
            for block in group:
                run_commands(block, folder)


def run_commands(block: Block, folder: Path) -> None:
    for command in block.commands:
        if block.reason(command) is None:
            try:
                run_command(command, folder)
            except AssertionError as error:
                raise AssertionError(f"{block.place}: {command}\n{error}") from None


def test_what_is_not_run_has_a_reason() -> None:
    every = [block for page in PAGES for block in blocks(page)]
    for block in every:
        parts = block.commands if block.language == "bash" else [block.code]
        for start, why in block.left_out.items():
            assert len(why.split()) > 2, block.place
            assert any(part.startswith(start) for part in parts), f"{block.place} has no command {start!r}"
    left_out = [block.place for block in every if not block.runs]
    assert len(left_out) < len(every) / 4, left_out
