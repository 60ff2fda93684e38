"""A folder in which the blocks of one page run, as that of a reader who types them: small pictures, small models."""

import shlex
import subprocess
from pathlib import Path
from shutil import copytree

import numpy as np
from PIL import Image

from cfmrestore.imageio import read_image
from tests.docs.blocks import Block, blocks
from tests.testing import ROOT, environment, run_tool

HERE = Path(__file__).parent
PHOTOGRAPHS = ROOT / "data" / "photographs"

NETWORK = [
    "model.network.base_channels=8", "model.network.channel_factors=[1]", "model.network.blocks=1",
    "model.network.attention_factors=[]", "model.network.groups=4", "model.network.heads=2",
]  # fmt: skip
TRAINING = [
    "train_cfg.max_iters=2", "param_scheduler=[]", "train_dataloader.batch_size=2",
    "train_dataloader.num_workers=0", "train_dataloader.persistent_workers=False", "default_hooks.logger.interval=1",
]  # fmt: skip
CROPPED = ("cfm_realsr", "cfm_realsr_tiny", "photographs", "inpainting_photographs")
SMALLER = {
    "few-steps": ["--iterations", "2", "--starts", "4"],
    "fit-grid": ["--count", "4", "--fine", "8"],
    "pairs": ["--count", "8", "--batch", "4"],
    "fit-boundary": ["--count", "40", "--num-intervals", "2"],
    "edit": ["--num-intervals", "4"],
    "sweep": ["--intervals", "1", "2"],
}
"""Flags that make a command small, put behind its own."""
OWN = (
    ("my_coupling.py", "plugins.md", "class NoisyInput("),
    ("my_degradation.py", "plugins.md", "class Brightness("),
    ("own.py", "degrade.md", "# own.py"),
)
"""Files that pages name, the page with the block that says them, and words of it."""


def fill(folder: Path) -> Path:
    """Pictures under the names that the pages use, and what a clone holds beside them."""
    for name, page, words in OWN:
        (own,) = [block.code for block in blocks(ROOT / "docs" / page) if words in block.code]
        (folder / name).write_text(own)
    for name in ("tools", "configs", "cfmrestore", "integrations", "tests"):
        (folder / name).symlink_to(ROOT / name)
    copytree(ROOT / "docs", folder / "docs", ignore=lambda *_: {"_build", "generated"})
    photographs = [read_image(path) for path in sorted((PHOTOGRAPHS / "train").iterdir())[:6]]
    crops = [Image.fromarray(pixels[40:248, 60:268]) for pixels in photographs]
    large = ("data/photographs/train", "data/photographs/held_out", "my/photos", "my/held_out", "my/high", "target",
             "data/set5/hr", "data/set14/hr", "photographs/train", "photographs/held_out", "generated",
             "samples")  # fmt: skip
    for name in large:
        save_all(folder / name, crops[:1] if "held_out" in name or "set" in name else crops, 208)
    for name in ("photos", "more", "my/low", "lr", "small", "data/set5/lr", "data/set14/lr"):
        save_all(folder / name, crops[:1] if "set" in name else crops, 52)
    for name in ("restored", "theirs"):
        save_all(folder / name, [crop.resize((32, 32)) for crop in crops], 208)
    crops[0].save(folder / "data/photographs/held_out/coffee.png")
    crops[0].save(folder / "my/photos/one.jpg")
    crops[0].resize((52, 52)).save(folder / "more/one.jpg")
    for name in ("photo.jpg", "photo.png", "small.png", "gray.png", "soft.png", "torn.png"):
        crops[0].resize((32, 32)).save(folder / name)
    crops[1].resize((64, 64)).save(folder / "face.png")
    crops[2].resize((8, 8)).save(folder / "digit.png")
    hole = np.zeros((32, 32), np.uint8)
    hole[8:20, 8:20] = 255
    for name in ("mask.png", "holes.png"):
        Image.fromarray(hole).save(folder / name)
    return folder


def save_all(folder: Path, images: list[Image.Image], side: int) -> None:
    folder.mkdir(parents=True)
    for index, image in enumerate(images):
        image.resize((side, side), Image.Resampling.BICUBIC).save(folder / f"{index}.png")


def run_command(command: str, folder: Path) -> None:
    """A command of the toolkit in a fork, made small; any other in a shell."""
    words, ranks = shlex.split(command, comments=True), 0
    if words[0] == "torchrun":
        script = words[3:]
        words, ranks = ["cfmrestore", *script[2:]] if script[:2] == ["-m", "cfmrestore.cli"] else ["python", *script], 2
    if words[0] == "python" and words[1].startswith("tools/"):
        name, words = words[1].removeprefix("tools/"), words[2:]
        run_tool(name, *smaller(Path(name).stem.replace("_", "-"), words), ranks=ranks, cwd=folder)
    elif words[0] == "cfmrestore":
        run_tool(str(HERE / "command.py"), words[1], *smaller(words[1], words[2:]), ranks=ranks, cwd=folder)
    else:
        done = subprocess.run(["bash", "-ec", command], cwd=folder, env=environment(), capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr


def smaller(name: str, words: list[str]) -> list[str]:
    """The words of a command with what makes it small."""
    if name in ("train", "test") and "autoencoder/" in words[0]:
        return [*words, "--cfg-options", *(TRAINING if name == "train" else []), "crop_size=32"]
    if name == "train":
        cropped = ["crop_size=32"] if Path(words[0].split("::")[-1]).stem in CROPPED else []
        network = [] if any("load_from=cfm-" in word or "_finetune.py" in word for word in words) else NETWORK
        return [*words, "--cfg-options", *network, *TRAINING, *cropped]
    if name in ("test", "sweep"):
        return [*words, *SMALLER.get(name, []), "--cfg-options", *NETWORK]
    if name == "restore" and {"--degradation", "--known", "--mask"} & {*words}:
        return [*words, "--steps", "2"]
    return [*words, *SMALLER.get(name, [])]


def run_python(group: list[Block], folder: Path) -> None:
    """Blocks that follow each other, in one process; parts of configs are read on top of their base."""
    files = []
    for block in group:
        file = folder / f"{block.page.stem}_{block.line}.py"
        if "config" in block.notes:
            base = "" if "_base_" in block.code else f"_base_ = {block.notes['config']!r}\n"
            file.write_text(base + block.code)
            run_tool("misc/print_config.py", file, cwd=folder)
            continue
        file.write_text(f"{block.notes.get('before', '')}\n{block.code}")
        files.append(file)
    if files:
        run_tool(str(HERE / "run_files.py"), *files, cwd=folder)
