"""Models for others: what goes along and what does not, the curves, and names that lead to them."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from cfmrestore import model_zoo
from cfmrestore.analysis.publish import publish, read_log
from cfmrestore.engine import checkpoints
from cfmrestore.restore import Restorer
from tests.restore.flows import NETWORK, save_model
from tests.testing import run_tool

CARD = {"what": "tests", "license": "none"}


@pytest.fixture
def trained(tmp_path: Path) -> Path:
    """A work directory after two starts, the second from iteration 20 on."""
    run = tmp_path / "run"
    save_model(run / "iter_30.pth", coupling={"type": "PosteriorMean", "network": NETWORK, "weights": str(tmp_path)})
    (run / "last_checkpoint").write_text("iter_30.pth")
    for start, loss in ((10, 0.5), (20, 0.1)):
        lines = [{"lr": 1e-3, "loss": loss, "time": 0.2, "step": step} for step in (start, start + 10)]
        lines += [{"PSNR": 20.0 + loss, "bicubic/PSNR": 19.0, "time": 1.0, "step": start + 10}]
        (run / str(start) / "vis_data").mkdir(parents=True)
        text = "".join(json.dumps(line) + "\n" for line in lines)
        (run / str(start) / "vis_data" / "scalars.json").write_text(text)
    return run


def test_a_model_with_its_card_and_curves(trained: Path, tmp_path: Path) -> None:
    out = tmp_path / "models"
    file = publish(
        trained, "small", out, sampling={"num_intervals": 3, "grid.type": "ShiftedGrid", "grid.shift": 0.5}, card=CARD
    )
    assert sorted(path.name for path in out.iterdir()) == ["models.json", "small.csv", "small.png", "small.safetensors"]
    meta = checkpoints.load(file)["meta"]
    assert meta["name"] == "small"
    assert meta["model"]["sampling"] == {"num_intervals": 3, "grid": {"type": "ShiftedGrid", "shift": 0.5}}
    assert str(tmp_path) not in json.dumps(meta)
    card = model_zoo.cards(out)["small"]
    assert card["what"] == "tests"
    assert card["parameters"] == sum(v.numel() for v in checkpoints.load(file)["state_dict"].values())
    assert Image.open(out / "small.png").size[0] > 500
    assert model_zoo.find_bundled("small", out) == file
    picture = np.zeros((8, 8, 3), np.uint8)
    assert np.array_equal(Restorer.from_pretrained(file)(picture), Restorer.from_pretrained(file)(picture))


def test_inputs_are_kinds_that_are_known(trained: Path, tmp_path: Path) -> None:
    publish(trained, "small", tmp_path, card={"inputs": "blur, jpeg"}, sampling={"num_intervals": 3})
    card = model_zoo.cards(tmp_path)["small"]
    assert card["inputs"] == ["jpeg", "blur"]
    assert card["figures"] == {"evaluations": 4}  # and the one that its coupling takes
    publish(trained, "small", tmp_path, card={"inputs": "clean"}, sampling={"num_intervals": 2}, overwrite=True)
    card = model_zoo.cards(tmp_path)["small"]
    assert (card["inputs"], card["figures"]) == ([], {"evaluations": 3})
    with pytest.raises(ValueError, match="a card's inputs are clean, or some of jpeg,noise,blur; got 'rain'"):
        publish(trained, "other", tmp_path, card={"inputs": "noise,rain"})
    with pytest.raises(ValueError, match="a card's figures are measured and not said"):
        publish(trained, "other", tmp_path, card={"figures": "40"})


def test_another_grid_takes_none_of_the_old_ones_keys(trained: Path, tmp_path: Path) -> None:
    first = publish(trained, "first", trained, sampling={"grid.type": "ShiftedGrid", "grid.shift": 0.5})
    second = publish(first, "second", tmp_path / "second", sampling={"grid.type": "UniformGrid"})
    assert checkpoints.load(second)["meta"]["model"]["sampling"]["grid"] == {"type": "UniformGrid"}


def test_of_what_was_done_twice_the_second_time_counts(trained: Path, tmp_path: Path) -> None:
    log = read_log(trained)
    assert {step: entry["loss"] for step, entry in log.items()} == {10: 0.5, 20: 0.1, 30: 0.1}
    assert log[30]["PSNR"] == 20.1
    publish(trained, "small", tmp_path)
    lines = (tmp_path / "small.csv").read_text().splitlines()
    assert lines[0] == "iter,lr,loss,PSNR,bicubic/PSNR"
    assert lines[1:] == ["10,0.001,0.5,,", "20,0.001,0.1,20.5,19", "30,0.001,0.1,20.1,19"]


def test_a_card_keeps_what_was_said_and_others_stay(trained: Path, tmp_path: Path) -> None:
    publish(trained, "first", tmp_path, card=CARD)
    publish(trained, "second", tmp_path)
    with pytest.raises(ValueError, match=r"first\.safetensors is there already: --overwrite replaces it"):
        publish(trained, "first", tmp_path)
    publish(trained, "first", tmp_path, overwrite=True)
    cards = model_zoo.cards(tmp_path)
    assert list(cards) == ["first", "second"]
    assert cards["first"]["what"] == "tests"


def test_a_damaged_file_is_refused(trained: Path, tmp_path: Path) -> None:
    publish(trained, "small", tmp_path)
    (tmp_path / "small.safetensors").write_text("version https://git-lfs.github.com/spec/v1")
    with pytest.raises(ValueError, match=r"small\.safetensors has the sha256 .* a damaged or another file"):
        model_zoo.find_bundled("small", tmp_path)
    (tmp_path / "small.safetensors").unlink()
    with pytest.raises(ValueError, match=r"lacks its file small\.safetensors: install the package again"):
        model_zoo.find_bundled("small", tmp_path)


def test_unknown_names_tell_the_known(trained: Path, tmp_path: Path) -> None:
    publish(trained, "small", tmp_path)
    with pytest.raises(ValueError, match=r"no model 'smal': .* one of the bundled models \(small\)"):
        model_zoo.find_bundled("smal", tmp_path)
    with pytest.raises(ValueError, match="this version has none"):
        model_zoo.find_bundled("small", tmp_path / "none")


@pytest.mark.parametrize("name", ["", "a/b", "../a", "a.b", "..", "-a"])
def test_names_that_are_none(trained: Path, tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="a model's name is a word"):
        publish(trained, name, tmp_path)


@pytest.mark.parametrize(
    ("sampling", "message"),
    [
        ("num_steps=3", "num_steps"),
        ("solver=Heun", "solver and grid are dicts with a type; got 'Heun'"),
        ("fidelity=much", "fidelity and noise are numbers; got 'much'"),
    ],
)
def test_a_sampling_that_is_none(trained: Path, tmp_path: Path, sampling: str, message: str) -> None:
    args = [trained, "small", "--out", tmp_path / "out", "--sampling", sampling]
    assert message in run_tool("publish_model.py", *args, expect=1)
    assert not (tmp_path / "out").exists()


def test_without_a_log(tmp_path: Path) -> None:
    save_model(tmp_path / "model.pth")
    with pytest.raises(ValueError, match="holds no log of a training"):
        publish(tmp_path / "model.pth", "small", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_tool(trained: Path, tmp_path: Path) -> None:
    out = tmp_path / "models"
    told = run_tool(
        "publish_model.py",
        trained,
        "small",
        "--out",
        out,
        "--sampling",
        "fidelity=0.5",
        "--card",
        "data=some photographs",
    )
    assert "MiB; look at" in told
    assert model_zoo.cards(out)["small"]["data"] == "some photographs"
    assert Restorer.from_pretrained(out / "small.safetensors").flow.sampling.fidelity == 0.5


def test_half_the_bytes(trained: Path, tmp_path: Path) -> None:
    whole, half = publish(trained, "whole", tmp_path), publish(trained, "half", tmp_path, half=True)
    assert half.stat().st_size < 0.6 * whole.stat().st_size
    states = [checkpoints.load(file)["state_dict"] for file in (whole, half)]
    assert all(torch.equal(states[0][key].half(), value) for key, value in states[1].items())
    low = torch.rand(1, 3, 24, 24, generator=torch.Generator().manual_seed(0))
    one, other = (255 * Restorer.from_pretrained(file)(low) for file in (whole, half))
    assert 0 < float((one - other).abs().max()) < 0.5


def test_the_mean_of_two_trainings(trained: Path, tmp_path: Path) -> None:
    coupling = {"type": "PosteriorMean", "network": NETWORK, "weights": str(tmp_path)}
    other = save_model(tmp_path / "other.pth", seed=1, coupling=coupling)
    own, others = (checkpoints.load(file)["state_dict"] for file in (trained / "iter_30.pth", other))
    mean = checkpoints.load(publish(trained, "mean", tmp_path, average=[other]))["state_dict"]
    assert mean.keys() == own.keys()
    assert any(not torch.equal(own[key], others[key]) for key in mean)
    for key, value in mean.items():
        assert torch.allclose(value, (own[key] + others[key]) / 2)
    assert model_zoo.cards(tmp_path)["mean"]["weights"] == "the mean of 2 trainings"
    publish(trained, "mean", tmp_path, overwrite=True)
    assert "weights" not in model_zoo.cards(tmp_path)["mean"]
    save_model(tmp_path / "wide.pth", network={**NETWORK, "base_channels": 16})
    with pytest.raises(ValueError, match=r"wide\.pth' is of another network than .*: no mean of both works"):
        publish(trained, "none", tmp_path, average=[other, tmp_path / "wide.pth"])


def test_half_is_refused_where_it_shows(trained: Path, tmp_path: Path) -> None:
    (file,) = trained.glob("*.pth")
    loaded = torch.load(file, weights_only=True)
    for key in ("state_dict", "ema_state_dict"):
        for name, value in loaded.get(key, {}).items():
            if name.endswith("head.2.weight"):
                value.normal_(std=30.0, generator=torch.Generator().manual_seed(0))
    torch.save(loaded, file)
    with pytest.raises(ValueError, match=r"with weights of 16 bits .* levels: publish all 32 of them"):
        publish(trained, "half", tmp_path, half=True)
    assert not (tmp_path / "half.safetensors").exists()


def test_odds_of_a_degradation_are_no_files(tmp_path: Path) -> None:
    """Both are called weights; files are left out, as another test holds."""
    either = {"type": "OneOf", "weights": [2, 1], "steps": [{"type": "Clip"}, {"type": "Quantize"}]}
    made = {"type": "RestorationPreprocessor", "degradation": [{"type": "Downscale", "scale": 4}, either]}
    save_model(tmp_path / "run" / "iter_1.pth", data_preprocessor=made)
    (tmp_path / "run" / "last_checkpoint").write_text("iter_1.pth")
    (tmp_path / "run" / "1" / "vis_data").mkdir(parents=True)
    (tmp_path / "run" / "1" / "vis_data" / "scalars.json").write_text(json.dumps({"step": 1, "loss": 1.0}) + "\n")
    model = checkpoints.load(publish(tmp_path / "run", "odds", tmp_path / "out"))["meta"]["model"]
    assert model["data_preprocessor"]["degradation"][1]["weights"] == [2, 1]


def test_a_log_whose_last_line_was_cut_off(tmp_path: Path) -> None:
    file = tmp_path / "1" / "vis_data" / "scalars.json"
    file.parent.mkdir(parents=True)
    file.write_text('{"step": 1, "loss": 2.0}\n{"step": 2, "lo')
    assert [entry["loss"] for entry in read_log(tmp_path).values()] == [2.0]
    file.write_text('{"step": 1, "lo\n{"step": 2, "loss": 2.0}\n')
    with pytest.raises(ValueError, match=r"scalars\.json, line 1: "):
        read_log(tmp_path)


def test_figures_of_another_sampling_are_not_carried_over(tmp_path: Path) -> None:
    publish("cfm-x4", "same", tmp_path)
    publish("cfm-x4", "other", tmp_path, sampling={"num_intervals": 1})
    cards = json.loads((tmp_path / "models.json").read_text())
    assert cards["same"]["figures"]["PSNR"] > 0
    assert cards["other"]["figures"] == {"evaluations": 1}
