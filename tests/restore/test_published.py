"""Published models: a folder that loads as it was published, or not at all; names that lead to a hub."""

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.torch import load_file, save_file

from cfmrestore.analysis.publish_repository import publish_repository
from cfmrestore.hub import read_meta
from cfmrestore.restore import Restorer, Sampler
from cfmrestore.restore.stages import find_model
from tests.hub_server import READ, HubServer, serve
from tests.restore.flows import save_model
from tests.restore.trainings import CARD, save_training

PICTURE = np.random.default_rng(0).integers(0, 256, (8, 12, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A training, and beside it the small model that was published of it."""
    place = tmp_path_factory.mktemp("trained")
    publish_repository(save_training(place / "run"), "small", place / "small", card=CARD)
    return place


@pytest.fixture
def folder(trained: Path, tmp_path: Path) -> Path:
    """A copy of the published model that a test may damage."""
    return Path(shutil.copytree(trained / "small", tmp_path / "small"))


@pytest.fixture
def hub(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    """A hub that has it as me/small."""
    monkeypatch.chdir(tmp_path)
    with serve(tmp_path / "home") as server:
        server.add("me/small", folder)
        yield server


def edit(folder: Path, **changes: Any) -> None:
    """Change its config.json; None takes a key away."""
    file = folder / "config.json"
    config = json.loads(file.read_text()) | changes
    file.write_text(json.dumps({key: value for key, value in config.items() if value is not None}))


def forge(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Describe another model, in both files and with the right digest, as a stranger may."""
    file = folder / "model.safetensors"
    meta = read_meta(file)
    change(meta["model"])
    save_file(load_file(file), file, metadata={"meta": json.dumps(meta)})
    edit(folder, model=meta["model"], sha256=hashlib.sha256(file.read_bytes()).hexdigest())


def test_a_folder_and_a_repository_restore_as_the_training(trained: Path, folder: Path, hub: HubServer) -> None:
    expected = Restorer.from_pretrained(trained / "run", device="cpu")(PICTURE)
    for place in (folder, str(folder), "me/small", "hf://me/small", "me/small@main", Path("me/small")):
        assert np.array_equal(Restorer.from_pretrained(place, device="cpu")(PICTURE), expected)
    assert Sampler.from_pretrained("me/small").file == find_model("me/small")


def test_only_config_and_weights_are_asked_for(folder: Path, hub: HubServer) -> None:
    (folder / "modeling.py").write_text("raise SystemExit")
    (folder / "pytorch_model.bin").write_bytes(b"pickle")
    hub.add("me/small", folder)
    file = find_model("me/small")
    assert sorted(path.name for path in file.parent.iterdir()) == ["config.json", "model.safetensors"]


def test_revisions(folder: Path, hub: HubServer, tmp_path: Path) -> None:
    first = hub.repositories["me/small"].branches["main"]
    publish_repository(save_training(tmp_path / "other", seed=1), "small", folder, card=CARD)
    hub.repositories["me/small"].branches["v1"] = first
    hub.repositories["me/small"].commit({path.name: path.read_bytes() for path in folder.iterdir()})
    newest = find_model("me/small").read_bytes()
    assert newest == (folder / "model.safetensors").read_bytes()
    old = [find_model("me/small@v1"), find_model("me/small", revision="v1"), find_model(f"me/small@{first}")]
    assert len(set(old)) == 1
    assert old[0].read_bytes() != newest
    pictures = [Restorer.from_pretrained("me/small", revision=rev)(PICTURE) for rev in (None, "v1")]
    assert not np.array_equal(*pictures)
    with pytest.raises(ValueError, match="a revision is one of a repository, org/name; 'cfm-x4' is none"):
        Restorer.from_pretrained("cfm-x4", revision="v1")


def test_a_private_one_with_a_token_into_a_cache(folder: Path, hub: HubServer, tmp_path: Path) -> None:
    hub.add("me/small", folder, private=True)
    with pytest.raises(ValueError, match=r"^me/small: .* needs a token that may read it \(HF_TOKEN\)"):
        Restorer.from_pretrained("me/small")
    restorer = Restorer.from_pretrained("me/small", token=READ, cache_dir=tmp_path / "own")
    assert restorer.stages[0].file is not None
    assert tmp_path / "own" in restorer.stages[0].file.parents


def test_a_stage_of_a_chain(hub: HubServer, tmp_path: Path) -> None:
    chain = tmp_path / "chain.py"
    chain.write_text('stages = ["me/small@main", dict(model="hf://me/small")]\n')
    assert len(Restorer.from_pretrained(chain).stages) == 2


def test_weights_that_are_others(folder: Path, hub: HubServer) -> None:
    weights = (folder / "model.safetensors").read_bytes()
    spoilt = weights[:-1] + bytes([weights[-1] ^ 1])
    (folder / "model.safetensors").write_bytes(spoilt)
    hub.repositories["me/small"].commit({"model.safetensors": spoilt})
    for place in (folder, "me/small"):
        with pytest.raises(
            ValueError, match=rf"^{place}: model\.safetensors has the sha256 \w+, and config\.json says"
        ):
            Restorer.from_pretrained(place)


def test_weights_that_are_missing(folder: Path, hub: HubServer) -> None:
    (folder / "model.safetensors").unlink()
    hub.add("me/small", folder)
    with pytest.raises(ValueError, match=r"lacks its file model\.safetensors: put it beside config\.json"):
        Restorer.from_pretrained(folder)
    with pytest.raises(ValueError, match=r"^me/small@\w+: it holds no model\.safetensors$"):
        Restorer.from_pretrained("me/small")


def test_a_repository_of_something_else(folder: Path, hub: HubServer) -> None:
    (folder / "config.json").write_text('{"model_type": "bert"}')
    hub.add("me/bert", folder)
    with pytest.raises(ValueError, match=r"^me/bert is no model of cfmrestore: its config\.json does not say"):
        Restorer.from_pretrained("me/bert")
    assert not any("model.safetensors" in line for line in hub.asked)
    (folder / "config.json").unlink()
    hub.add("me/none", folder)
    with pytest.raises(ValueError, match=r"^me/none: it holds no config\.json$"):
        Restorer.from_pretrained("me/none")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sha256": None}, r"config\.json lacks the sha256 of model\.safetensors, or the model"),
        ({"sha256": 7}, r"config\.json lacks the sha256"),
        ({"model": []}, r"or the model: publish it again"),
        ({"library_name": "other"}, "is no model of cfmrestore"),
        ({"model": {"type": "CouplingFlow"}}, r"config\.json describes another model than model\.safetensors"),
    ],
)
def test_a_config_that_was_changed(folder: Path, changes: dict[str, Any], message: str) -> None:
    edit(folder, **changes)
    with pytest.raises(ValueError, match=f"^{folder}.*{message}"):
        find_model(folder)


@pytest.mark.parametrize("text", ["", "{", "[1]", "\ud800".encode("utf-8", "surrogatepass").decode("latin-1")])
def test_a_config_that_is_none(folder: Path, text: str) -> None:
    (folder / "config.json").write_text(text)
    with pytest.raises(ValueError, match=f"^{folder}(: config.json is no JSON| is no model)"):
        find_model(folder)


def test_weights_without_a_header(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"\xff" * 64)
    edit(folder, sha256=hashlib.sha256(b"\xff" * 64).hexdigest())
    with pytest.raises(ValueError, match=r"model\.safetensors is no file of weights"):
        find_model(folder)


@pytest.mark.parametrize(
    "place", ["/etc/passwd", "../../secret.bin", "a/../../b", "~/vae", r"C:\vae", r"..\vae", "local", "a/b/c"]
)
@pytest.mark.parametrize("part", ["encoder.path", "encoder.mirrors", "coupling.weights", "network.folder"])
def test_places_that_leave_the_folder(folder: Path, part: str, place: str) -> None:
    section, key = part.split(".")
    forge(folder, lambda model: model[section].update({key: place}))
    with pytest.raises(
        ValueError, match=rf"its {key} is .*, a place of one machine; what is published names repositories"
    ):
        find_model(folder)


@pytest.mark.parametrize("place", ["/etc/passwd", "../x", ["a", "~root"], {"deep": ["/x"]}])
def test_places_under_any_key(folder: Path, place: Any) -> None:
    forge(folder, lambda model: model.update(anything=place))
    with pytest.raises(ValueError, match="a place of one machine"):
        find_model(folder)


def test_what_a_stranger_describes_is_a_flow_of_plugins(folder: Path) -> None:
    forge(folder, lambda model: model["network"].update(type="os.system"))
    with pytest.raises(ValueError, match=r"os\.system"):
        Restorer.from_pretrained(folder)


def test_a_path_that_is_here_comes_first(folder: Path, hub: HubServer, tmp_path: Path) -> None:
    save_model(tmp_path / "me" / "small" / "iter_1.pth")
    (tmp_path / "me" / "small" / "last_checkpoint").write_text("iter_1.pth")
    assert find_model("me/small") == Path("me/small/iter_1.pth")
    with pytest.raises(ValueError, match=r"there is no model 'me/smal': .* a repository of a hub \(hf://org/name\)"):
        find_model("me/smal")
    assert not hub.asked
