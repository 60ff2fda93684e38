"""Models found by path and name, and chains of them."""

from pathlib import Path

import numpy as np
import pytest
import torch

from cfmrestore.engine import checkpoints
from cfmrestore.restore import Restorer
from tests.restore.flows import random_flow, save_model
from tests.restore.test_restorer import photo


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_model(tmp_path_factory.mktemp("model") / "small.pth")


def test_a_checkpoint_is_all_that_is_needed(model: Path) -> None:
    expected = Restorer(random_flow(), device="cpu")(photo())
    for path in (model, model.with_suffix(".safetensors"), model.parent, str(model)):
        assert np.array_equal(Restorer.from_pretrained(path, device="cpu")(photo()), expected)


@pytest.mark.parametrize("channels", [10**6, 10**4])
def test_a_network_far_larger_than_its_file_is_not_built(model: Path, tmp_path: Path, channels: int) -> None:
    checkpoint = checkpoints.load(model)
    checkpoint["meta"]["model"]["network"]["base_channels"] = channels
    checkpoints.save(checkpoint, tmp_path / "stranger.pth")
    for suffix in (".pth", ".safetensors"):
        with pytest.raises(ValueError, match=r"holds [\d,]+ numbers and describes a network of far more"):
            Restorer.from_pretrained(tmp_path / f"stranger{suffix}", device="cpu")


def test_a_work_directory_stands_for_its_newest_checkpoint(tmp_path: Path) -> None:
    for seed in range(2):
        save_model(tmp_path / f"iter_{seed}.pth", seed)
    (tmp_path / "last_checkpoint").write_text("iter_1.pth")
    expected = Restorer(random_flow(1), device="cpu")(photo())
    assert np.array_equal(Restorer.from_pretrained(tmp_path)(photo()), expected)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "none.safetensors",
            r"there is no model '.*none.safetensors': name a checkpoint, a work directory, a repository of a hub",
        ),
        ("empty", "holds no checkpoint"),
        ("text.pth", "is no checkpoint"),
        ("weights.pth", "does not say which model it is of"),
        ("config.py", "has no stages"),
        ("function.pth", "unknown encoder 'os.system'"),
        ("hub.pth", "unknown model 'torch.hub.load'"),
        ("hook.pth", "is of a mmengine.BaseDataPreprocessor, which does not restore images"),
        ("list.pth", "the model is .*, not a dict with a type"),
        ("scope.pth", "encoder is .*, not a dict with a type"),
        ("meta.pth", "its meta is a list"),
        ("other.pth", "was made by another network"),
        ("space.pth", "trained in the space of another encoder"),
    ],
)
def test_what_is_no_model(model: Path, tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.pth").write_text("weights")
    (tmp_path / "config.py").write_text("model = dict(type='CouplingFlow')\n")
    loaded = checkpoints.load(model)
    torch.save(loaded["state_dict"], tmp_path / "weights.pth")
    described = loaded["meta"]["model"]
    changed = {
        "hub.pth": {"model": {**described, "type": "torch.hub.load", "source": "local", "repo_or_dir": str(tmp_path)}},
        "hook.pth": {"model": {**described, "type": "mmengine.BaseDataPreprocessor"}},
        "list.pth": {"model": {**described, "type": ["CouplingFlow"]}},
        "scope.pth": {"model": {**described, "encoder": {**described["encoder"], "_scope_": "antigravity"}}},
        "function.pth": {"model": {**described, "encoder": {"type": "os.system"}}},
        "other.pth": {"model": {**described, "network": {**described["network"], "base_channels": 16}}},
        "space.pth": {"model": described, "encoder": {"name": "Haar", "digest": "0" * 16}},
    }
    for file, meta in changed.items():
        torch.save({**loaded, "meta": {**loaded["meta"], **meta}}, tmp_path / file)
    torch.save({**loaded, "meta": []}, tmp_path / "meta.pth")
    (tmp_path / "hubconf.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\ndef x(): pass\n")
    with pytest.raises(ValueError, match=message):
        Restorer.from_pretrained(tmp_path / name)
    assert not (tmp_path / "ran").exists()


class TestChains:
    def chain(self, folder: Path, text: str) -> Path:
        for name, scale in (("first", 2), ("second", 2)):
            coupling = {"type": "LowresLatent", "noise": 64, "upsample": "latent"}
            save_model(folder / f"{name}.pth", seed=len(name), scale=scale, coupling=coupling)
        path = folder / "chain.py"
        path.write_text(text.format(folder=folder))
        return path

    def test_stages_follow_each_other(self, tmp_path: Path) -> None:
        chain = self.chain(tmp_path, "stages = ['{folder}/first.pth', '{folder}/second.pth']\n")
        restorer = Restorer.from_pretrained(chain)
        assert restorer.scale == 4
        result = restorer(photo())
        assert result.shape == (48, 68, 3)
        first = Restorer.from_pretrained(tmp_path / "first.pth")(photo().astype(np.float32) / 255)
        assert not np.array_equal(result, Restorer.from_pretrained(tmp_path / "second.pth")(first))  # another noise

    def test_latents_between_stages_are_not_decoded(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        text = "stages = [dict(model='{folder}/first.pth', output='%s'), '{folder}/second.pth']\n"
        images, encoded = {}, {}
        for kind in ("pixels", "latents"):
            restorer, calls = Restorer.from_pretrained(self.chain(tmp_path, text % kind)), []
            for stage in restorer.stages:
                for parameter in stage.flow.network.parameters():
                    parameter.zero_()  # then nothing leaves [0, 1], and both ways give the same
                encode = stage.flow.encoder.encode
                monkeypatch.setattr(
                    stage.flow.encoder, "encode", lambda *args, e=encode, c=calls: c.append(1) or e(*args)
                )
            images[kind], encoded[kind] = restorer(photo(), tile=0, noise=0), len(calls)
        assert encoded == {"pixels": 2, "latents": 1}
        assert np.abs(images["pixels"].astype(int) - images["latents"]).mean() < 0.1

    def test_a_stage_has_its_own_sampling(self, tmp_path: Path) -> None:
        text = "stages = [dict(model='{folder}/first.pth', sampling=dict(num_intervals=5)), '{folder}/second.pth']\n"
        restorer = Restorer.from_pretrained(self.chain(tmp_path, text))
        from cfmrestore.restore import Settings

        assert restorer.restore(photo(), Settings())[2] == 5 + 2
        assert restorer.restore(photo(), Settings(num_intervals=3))[2] == 3 + 3

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("stages = []\n", "there are no stages"),
            ("stages = ['{folder}/none.pth']\n", "there is no model"),
            ("stages = [dict(model='{folder}/first.pth', output='files')]\n", "output is one of pixels, latents"),
            ("stages = [dict(model='{folder}/first.pth', scale=2)]\n", "a stage has model, output and sampling"),
            ("stages = [dict(model='{folder}/first.pth', sampling=dict(steps=2))]\n", "no key 'steps'"),
        ],
    )
    def test_what_is_no_chain(self, tmp_path: Path, text: str, message: str) -> None:
        with pytest.raises(ValueError, match=message):
            Restorer.from_pretrained(self.chain(tmp_path, text))

    def test_latents_of_another_space_do_not_go_on(self, tmp_path: Path) -> None:
        text = "stages = [dict(model='{folder}/first.pth', output='latents'), '{folder}/second.pth']\n"
        chain = self.chain(tmp_path, text)
        save_model(tmp_path / "second.pth", encoder={"type": "Haar", "factor": 4})
        with pytest.raises(ValueError, match="latents go on only in one space"):
            Restorer.from_pretrained(chain)


def test_a_folder_of_several_models_names_them(tmp_path: Path) -> None:
    for name in ("a", "b"):
        save_model(tmp_path / f"{name}.pth").unlink()
    with pytest.raises(ValueError, match=r"holds 2 models: name one of a\.safetensors, b\.safetensors"):
        Restorer.from_pretrained(tmp_path, device="cpu")
