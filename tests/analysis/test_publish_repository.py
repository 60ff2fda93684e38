"""Models as repositories: what is written, what is not, and what is pushed."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from PIL import Image
from safetensors.torch import load_file

from cfmrestore import model_zoo
from cfmrestore._compat import patch_torchvision
from cfmrestore.analysis.publish_repository import publish_repository, publish_to_hub
from cfmrestore.engine import checkpoints
from cfmrestore.hub import file_digest, read_meta
from cfmrestore.restore import Restorer
from cfmrestore.restore.stages import find_model
from tests.hub_server import WRITE, HubServer, serve
from tests.restore.flows import save_model
from tests.restore.trainings import CARD, save_training
from tests.testing import call_tool, run_tool

FILES = ["README.md", "config.json", "model.safetensors", "training.csv", "training.png"]
GENERATOR: dict[str, Any] = {"coupling": {"type": "Independent"}, "conditions": [], "image_size": 8, "scale": 1}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_training(tmp_path_factory.mktemp("run"))


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    """An empty hub, and a token that may write to it."""
    monkeypatch.chdir(tmp_path)
    with serve(tmp_path / "home") as server:
        monkeypatch.setenv("HF_TOKEN", WRITE)
        yield server


def head_of(folder: Path) -> dict[str, Any]:
    return yaml.safe_load((folder / "README.md").read_text().split("---\n")[1])


def test_a_folder(trained: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    Image.new("RGB", (9, 9)).save(tmp_path / "before-after.png")
    written = publish_repository(
        trained, "small", out, sampling={"num_intervals": 3}, card=CARD, pictures=[tmp_path / "before-after.png"]
    )
    assert sorted(written) == sorted(path.name for path in out.iterdir()) == sorted([*FILES, "before-after.png"])
    config = json.loads((out / "config.json").read_text())
    assert (config["library_name"], config["name"], config["what"]) == ("cfmrestore", "small", "tests")
    assert config["sha256"] == file_digest(out / "model.safetensors", digits=64)
    assert config["model"] == read_meta(out / "model.safetensors")["model"]
    assert config["model"]["sampling"]["num_intervals"] == 3
    assert config["parameters"] == sum(value.numel() for value in load_file(out / "model.safetensors").values())
    assert str(trained) not in "".join(path.read_text() for path in out.iterdir() if path.suffix in (".json", ".md"))
    page = (out / "README.md").read_text()
    assert 'Restorer.from_pretrained("small")' in page
    assert "![results of small](before-after.png)" in page
    assert "(training.png)" in page


@pytest.mark.parametrize(
    ("license_", "expected"),
    [
        ("Apache 2.0", {"license": "apache-2.0"}),
        ("cc-by-nc-4.0", {"license": "cc-by-nc-4.0"}),
        ("ask: me\n---", {"license": "other", "license_name": "ask: me\n---"}),
    ],
)
def test_what_a_hub_reads(trained: Path, tmp_path: Path, license_: str, expected: dict[str, str]) -> None:
    publish_repository(trained, "small", tmp_path / "out", card={"license": license_})
    tags = ["cfmrestore", "flow-matching", "image-restoration", "super-resolution"]
    head = {"library_name": "cfmrestore", "pipeline_tag": "image-to-image", "tags": tags}
    text = (tmp_path / "out" / "README.md").read_text()
    end = text.index("\n---\n\n# small")
    assert yaml.safe_load(text[4:end]) == {**head, **expected}


@pytest.mark.parametrize(
    ("keys", "pipeline", "tag", "said"),
    [
        (GENERATOR, "unconditional-image-generation", "image-generation", "model = Sampler.from_pretrained"),
        (
            {"scale": 2},
            "image-to-image",
            "super-resolution",
            "Restorer",
        ),
        (
            {**GENERATOR, "conditions": [{"type": "Inpaint"}]},
            "image-to-image",
            "inpainting",
            "cfmrestore inpaint picture.png mask.png --model other",
        ),
        (
            {**GENERATOR, "conditions": [{"type": "ClassLabel", "classes": 4, "channels": 8}]},
            "unconditional-image-generation",
            "image-generation",
            "cfmrestore sample other --classes",
        ),
    ],
)
def test_tasks(tmp_path: Path, keys: dict[str, Any], pipeline: str, tag: str, said: str) -> None:
    publish_repository(save_training(tmp_path / "run", **keys), "other", tmp_path / "out", card=CARD)
    head = head_of(tmp_path / "out")
    assert head["pipeline_tag"] == pipeline
    assert tag in head["tags"]
    assert said in (tmp_path / "out" / "README.md").read_text()


def test_a_bundled_model_keeps_its_card(tmp_path: Path) -> None:
    publish_repository("cfm-x4-fast", "cfm-x4-fast", tmp_path / "out")
    config, card = json.loads((tmp_path / "out" / "config.json").read_text()), model_zoo.cards()["cfm-x4-fast"]
    assert {key: config[key] for key in card if key != "sha256"} == {k: v for k, v in card.items() if k != "sha256"}
    shipped = (model_zoo.FOLDER / "cfm-x4-fast.csv").read_text()
    assert (tmp_path / "out" / "training.csv").read_text() == shipped
    low = np.random.default_rng(0).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    first, second = (Restorer.from_pretrained(place)(low) for place in ("cfm-x4-fast", tmp_path / "out"))
    assert np.array_equal(first, second)


def test_again_and_not_over_other_files(trained: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    publish_repository(trained, "first", out, card=CARD)
    publish_repository(trained, "second", out, card=CARD)
    assert json.loads((out / "config.json").read_text())["name"] == "second"
    for name in ("README.md", "config.json"):
        (tmp_path / name).mkdir()
        (tmp_path / name / name).write_text("{}")
        with pytest.raises(ValueError, match="holds other files than a published model: name an empty folder"):
            publish_repository(trained, "small", tmp_path / name, card=CARD)
        assert (tmp_path / name / name).read_text() == "{}"


def test_without_a_license(trained: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="small: say how it may be used: --card license="):
        publish_repository(trained, "small", tmp_path / "out", card={"what": "tests"})
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["none.png", "a b.png", "code.py", "training.png", ".png"])
def test_pictures_that_are_none(trained: Path, tmp_path: Path, name: str) -> None:
    if name != "none.png":
        (tmp_path / name).write_bytes(b"")
    with pytest.raises(ValueError, match=r"there is no picture|pictures are PNG, JPEG or WebP"):
        publish_repository(trained, "small", tmp_path / "out", card=CARD, pictures=[tmp_path / name])
    assert not (tmp_path / "out").exists()


def test_files_of_the_training_go_nowhere(tmp_path: Path) -> None:
    loss = {"type": "Perceptual", "weights": "/home/me/vgg.pth"}
    run = save_training(tmp_path / "run")
    checkpoint = find_model(run)
    held = checkpoints.load(checkpoint)
    held["meta"]["model"]["loss"] = [loss]
    checkpoints.save(held, checkpoint)
    publish_repository(run, "small", tmp_path / "out", card=CARD)
    assert read_meta(tmp_path / "out" / "model.safetensors")["model"]["loss"] == [{"type": "Perceptual"}]


def test_pushed_and_loaded(trained: Path, hub: HubServer) -> None:
    address = publish_to_hub(trained, "small", "me/small", card=CARD)
    assert address.startswith(f"{hub.address}/me/small/commit/")
    files = hub.repositories["me/small"].at("main")
    assert sorted(files) == sorted([".gitattributes", *FILES])
    assert b'Restorer.from_pretrained("me/small")' in files["README.md"]
    low = np.random.default_rng(0).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    first, second = (Restorer.from_pretrained(place)(low) for place in (trained, "me/small"))
    assert np.array_equal(first, second)


def test_pushed_to_a_branch_again(trained: Path, hub: HubServer, tmp_path: Path) -> None:
    publish_to_hub(trained, "small", "me/small", card=CARD, out=tmp_path / "out")
    publish_to_hub(trained, "small", "me/small", card=CARD, revision="v2", sampling={"num_intervals": 7})
    found = [Restorer.from_pretrained(f"me/small@{name}").flow.sampling.num_intervals for name in ("main", "v2")]
    assert found == [2, 7]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == FILES


def test_its_autoencoder_is_fetched_too(hub: HubServer, tmp_path: Path) -> None:
    patch_torchvision()
    from diffusers import AutoencoderKL

    torch.manual_seed(0)
    blocks = {"down_block_types": ("DownEncoderBlock2D",) * 2, "up_block_types": ("UpDecoderBlock2D",) * 2}
    AutoencoderKL(block_out_channels=(8, 8), norm_num_groups=4, **blocks).save_pretrained(tmp_path / "files")
    place = str(tmp_path / "files")
    run = save_training(tmp_path / "run", encoder={"type": "AutoencoderKL", "path": place})
    low = np.random.default_rng(0).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    expected = Restorer.from_pretrained(run)(low)
    with pytest.raises(ValueError, match=r"its path is .*, a place of one machine; .* \(publish --encoder ORG/NAME\)"):
        publish_to_hub(run, "small", "me/small", card=CARD)
    publish_to_hub(run, "small", "me/small", card=CARD, encoder="me/vae")
    hub.add("me/vae", tmp_path / "files")
    shutil.rmtree(tmp_path / "files")
    assert np.array_equal(Restorer.from_pretrained("me/small")(low), expected)
    del hub.repositories["me/vae"]
    shutil.rmtree(tmp_path / "home" / "hub" / "models--me--vae")
    with pytest.raises(ValueError, match=r"AutoencoderKL found no weights:\s+me/vae: .* has no such repository"):
        Restorer.from_pretrained("me/small")


def test_the_tool(trained: Path, tmp_path: Path, hub: HubServer) -> None:
    out = tmp_path / "out"
    said = run_tool(
        "publish_model.py", trained, "small", "--layout", "repository", "--out", out, "--card", "license=mit"
    )
    assert f"{out}: config.json, README.md, model.safetensors" in said
    assert head_of(out)["license"] == "mit"


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ([], "name the folder, --out, or a repository of a hub, --push"),
        (["--out", "x", "--private"], "--private is of a repository: --layout repository, or --push ORG/NAME"),
        (["--out", "x", "--layout", "collection", "--push", "me/small"], "--push is of a repository"),
        (["--out", "x", "--layout", "repository", "--revision", "v1"], "name the repository, --push ORG/NAME"),
        (["--push", "small"], "'hf://small' names no repository: it should be hf://org/name"),
        (["--push", "me/small", "--revision", "../x"], "'../x' is no revision"),
        (["--push", "me/small"], "say how it may be used"),
        (
            ["--push", "me/small", "--card", "license=mit", "--encoder", "/vae"],
            "the encoder Haar is no file: leave --encoder out",
        ),
    ],
)
def test_flags_that_do_not_fit(trained: Path, tmp_path: Path, hub: HubServer, args: list[str], message: str) -> None:
    assert message in call_tool("publish_model.py", trained, "small", *args)
    assert not (tmp_path / "x").exists()
    assert not hub.repositories


def test_a_checkpoint_without_a_log(tmp_path: Path) -> None:
    save_model(tmp_path / "model.pth")
    with pytest.raises(ValueError, match="holds no log of a training"):
        publish_repository(tmp_path / "model.pth", "small", tmp_path / "out", card=CARD)
