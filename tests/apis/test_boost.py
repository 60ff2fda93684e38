"""Pictures from prompts: the same ones however the work is divided, kept when made alike, and traced back to a seed."""

import json
import runpy
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from mmengine.dataset import pseudo_collate
from PIL import Image

from cfmrestore.apis.boost import boost
from cfmrestore.datasets import LatentFolder
from cfmrestore.datasets.latent_files import LatentInfo, pack, read_latent
from cfmrestore.engine import checkpoints
from cfmrestore.ldm.boost_jobs import read_prompts
from cfmrestore.ldm.booster import Booster
from cfmrestore.ldm.latent_pipeline import LatentPipeline
from cfmrestore.ops.resize import resize
from cfmrestore.registry import MODELS
from cfmrestore.restore import Restorer
from tests.ldm import tiny

PROMPTS = ["A red fox!", "snow at night", "ein Hügel ☃"]
SMALL = {"height": 16, "width": 24, "steps": 2}


@dataclass
class World:
    """A pipeline and a flow in its latents, on disk."""

    pipeline: str
    model: str

    def boost(self, prompts: list[str], out: Path | None, **keys: Any) -> list[Path]:
        model = self.model if out is not None else None
        return boost(
            prompts, **{"pipeline": self.pipeline, "model": model, "out": out, "precision": "fp32", **SMALL, **keys}
        )


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    root = tmp_path_factory.mktemp("world")
    folder = tiny.save("sd", root / "sd")
    model = {
        "type": "CouplingFlow",
        "scale": 2,
        "data_preprocessor": {
            "type": "RestorationPreprocessor",
            "degradation": [{"type": "Downscale", "scale": 2}],
        },
        "encoder": {"type": "AutoencoderKL", "path": str(folder), "subfolder": "vae"},
        "coupling": {"type": "LowresLatent", "upsample": "latent", "noise": 400, "table": "cosine", "context": True},
        "network": {
            "type": "UNet",
            "base_channels": 8,
            "channel_factors": (1,),
            "blocks": 1,
            "attention_factors": (),
            "groups": 4,
        },
        "sampling": {"num_intervals": 2},
    }
    torch.manual_seed(0)
    flow = MODELS.build(model)
    for weight in flow.network.parameters():
        torch.nn.init.normal_(weight, std=0.1)
    meta = {"model": model, "encoder": {"digest": flow.encoder.digest()}}
    checkpoints.save({"state_dict": flow.state_dict(), "meta": meta}, root / "flow.pth")
    return World(str(folder), str(root / "flow.safetensors"))


def restorer(world: World) -> Restorer:
    return Restorer.from_pretrained(world.model, device="cpu", precision="fp32")


def pixels(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path)).astype(int)


def sidecar(picture: Path) -> dict[str, Any]:
    return dict(json.loads(picture.with_suffix(".json").read_text()))


# What is made


def test_a_picture_is_the_lifted_latent_of_its_seed(world: World, tmp_path: Path) -> None:
    out = tmp_path / "fox.png"
    assert world.boost(PROMPTS[:1], out, seed=3, negative_prompt="blur", guidance_scale=3.0) == [out]
    told = sidecar(out)
    latent = LatentPipeline.from_pretrained(world.pipeline, precision="fp32")(
        PROMPTS[:1], [told["seed"]], negative_prompt="blur", guidance_scale=3.0, **SMALL
    )
    assert latent.shape == (1, 4, 8, 12)
    image = restorer(world).lift(latent, [told["seed"]])[0]
    assert np.abs(pixels(out) - (image.clamp(0, 1) * 255).round().permute(1, 2, 0).numpy()).max() <= 1
    assert pixels(out).shape == (32, 48, 3)
    assert pixels(out).std() > 3
    assert told["prompt"] == PROMPTS[0]
    assert (told["pipeline"], told["model"], told["nfe"], told["size"]) == (world.pipeline, world.model, 2, [32, 48])
    assert told["settings"]["run_seed"] == 3
    assert told["encoder"] == restorer(world).flow.encoder.digest()


def test_pictures_do_not_depend_on_how_the_work_is_divided(world: World, tmp_path: Path) -> None:
    whole = world.boost(PROMPTS, tmp_path / "whole", samples=2, batch=4)
    names = [path.name for path in whole]
    assert len(set(names)) == 6
    assert len({pixels(path).tobytes() for path in whole}) == 6
    parts = [world.boost(PROMPTS, tmp_path / "parts", samples=2, part=(rank, 2)) for rank in range(2)]
    assert [path.name for path in parts[0]] == names[::2]
    assert [path.name for path in parts[1]] == names[1::2]
    for path in whole:
        assert np.abs(pixels(path) - pixels(tmp_path / "parts" / path.name)).max() <= 1
        assert sidecar(path) == sidecar(tmp_path / "parts" / path.name)


def test_another_prompt_before_it_changes_no_picture(world: World, tmp_path: Path) -> None:
    (alone,) = world.boost(PROMPTS[1:2], tmp_path / "alone")
    _, second = world.boost(PROMPTS[:2], tmp_path / "both")
    assert (alone.name, sidecar(alone)) == (second.name, sidecar(second))
    (other,) = world.boost(PROMPTS[1:2], tmp_path / "other", seed=1)
    assert sidecar(other)["seed"] != sidecar(alone)["seed"]
    assert np.abs(pixels(other) - pixels(alone)).max() > 5


def test_intervals_reach_the_flow(world: World, tmp_path: Path) -> None:
    (two,) = world.boost(PROMPTS[:1], tmp_path / "two")
    (five,) = world.boost(PROMPTS[:1], tmp_path / "five", num_intervals=5)
    assert (sidecar(two)["nfe"], sidecar(five)["nfe"]) == (2, 5)
    assert not np.array_equal(pixels(two), pixels(five))


def test_the_small_picture_beside_it(world: World, tmp_path: Path) -> None:
    (path,) = world.boost(PROMPTS[:1], tmp_path / "out", compare=True, save_latents=tmp_path / "latents")
    latent, _ = read_latent(tmp_path / "latents" / f"{path.stem}.safetensors")
    small = restorer(world).flow.encoder.decode(latent[None]).clamp(0, 1)
    expected = (resize(small, scale=2)[0].clamp(0, 1) * 255).round().permute(1, 2, 0).numpy()
    assert np.abs(pixels(path.with_name(f"{path.stem}_bicubic.png")) - expected).max() <= 1


# What is there already


def test_what_is_there_is_kept(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = world.boost(PROMPTS, tmp_path, compare=True, save_latents=tmp_path / "latents")
    lost = [made[0], made[1].with_suffix(".json"), tmp_path / "latents" / f"{made[2].stem}.safetensors"]
    times = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()}
    assert len(times) == 12
    for path in lost[:2]:
        path.unlink()
    world.boost(PROMPTS, tmp_path, compare=True, save_latents=tmp_path / "latents")
    assert all(path.is_file() for path in lost)
    kept = [path for path, time in times.items() if path.is_file() and path.stat().st_mtime_ns == time]
    assert {path.name.split(".")[0].removesuffix("_bicubic") for path in kept} == {made[2].stem}
    monkeypatch.setattr(Booster, "load", lambda self: pytest.fail("loaded for nothing"))
    assert world.boost(PROMPTS, tmp_path, compare=True, save_latents=tmp_path / "latents") == made


def test_what_was_made_otherwise_is_no_result_of_this_run(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changes: list[tuple[dict[str, Any], str]] = [
        ({"seed": 1}, "seed .* there, .* now"),
        ({"steps": 3}, "steps 2 there, 3 now"),
        ({"negative_prompt": "blur"}, "negative_prompt None there, 'blur' now"),
        ({"num_intervals": 3}, "num_intervals None there, 3 now"),
        ({"precision": "bf16"}, "precision 'fp32' there, 'bf16' now"),
        ({"model": str(Path(world.model).with_suffix(".pth"))}, "model .*safetensors' there, .*pth' now"),
    ]
    world.boost(PROMPTS[:1], tmp_path)
    monkeypatch.setattr(Booster, "load", lambda self: pytest.fail("loaded for nothing"))
    for change, said in changes:
        with pytest.raises(ValueError, match=rf"a-red-fox_.*\.json was made in another way \(.*{said}"):
            world.boost(PROMPTS[:1], tmp_path, **change)


def test_overwriting(world: World, tmp_path: Path) -> None:
    (path,) = world.boost(PROMPTS[:1], tmp_path)
    before = pixels(path)
    world.boost(PROMPTS[:1], tmp_path, seed=1, overwrite=True)
    assert np.abs(pixels(path) - before).max() > 5
    path.with_suffix(".json").write_text("{")
    with pytest.raises(ValueError, match="says nothing of its picture"):
        world.boost(PROMPTS[:1], tmp_path, seed=1)


def test_a_failure_is_named_and_stops_no_other(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lift = Booster.lift

    def fail(self: Booster, restorer: Any, jobs: Any, latents: Any) -> None:
        if jobs[0].info.prompt == PROMPTS[0]:
            raise RuntimeError("out of memory")
        lift(self, restorer, jobs, latents)

    monkeypatch.setattr(Booster, "lift", fail)
    with pytest.raises(ValueError, match=r"1 of 3 failed, .*:\n  A red fox!: RuntimeError: out of memory"):
        world.boost(PROMPTS, tmp_path)
    assert len(list(tmp_path.glob("*.png"))) == len(list(tmp_path.glob("*.json"))) == 2


# Latents on the way


def test_stored_latents_give_the_same_pictures_without_the_pipeline(world: World, tmp_path: Path) -> None:
    made = world.boost(PROMPTS, tmp_path / "out", save_latents=tmp_path / "latents")
    again = boost(model=world.model, out=tmp_path / "again", from_latents=tmp_path / "latents", precision="fp32")
    assert sorted(path.name for path in again) == sorted(path.name for path in made)
    for path in made:
        assert np.array_equal(pixels(path), pixels(tmp_path / "again" / path.name))
        assert sidecar(path) == sidecar(tmp_path / "again" / path.name)


def test_latents_alone_need_no_flow_and_lie_in_its_space(world: World, tmp_path: Path) -> None:
    files = world.boost(PROMPTS, None, save_latents=tmp_path / "latents")
    assert [path.suffix for path in files] == [".safetensors"] * 3
    boost(model=world.model, out=tmp_path / "out", from_latents=tmp_path / "latents", batch=2)
    assert len(list((tmp_path / "out").glob("*.png"))) == 3
    with pytest.raises(ValueError, match=r"\.safetensors was made in another way \(steps 2 there, 4 now\)"):
        world.boost(PROMPTS, None, save_latents=tmp_path / "latents", steps=4)


def test_a_flow_trains_on_stored_latents(world: World, tmp_path: Path) -> None:
    world.boost(PROMPTS, None, save_latents=tmp_path)
    flow = MODELS.build(checkpoints.load(world.model)["meta"]["model"])
    dataset = LatentFolder(data_root=str(tmp_path), crop=8, encoder=flow.encoder.digest())
    batch = flow.data_preprocessor(pseudo_collate([dataset[0], dataset[1]]), training=True)
    losses = flow(**batch, mode="loss")
    assert losses["loss_mse"].isfinite()
    losses["loss_mse"].backward()
    assert all(weight.grad is not None for weight in flow.network.parameters())


def test_latents_of_another_space_are_refused(world: World, tmp_path: Path) -> None:
    (tmp_path / "a.safetensors").write_bytes(pack(torch.zeros(4, 8, 8), LatentInfo(encoder="other")))
    with pytest.raises(ValueError, match=r"a\.safetensors is of the encoder other, the flow is of \w{16}"):
        boost(model=world.model, out=tmp_path / "out", from_latents=tmp_path)
    assert not (tmp_path / "out").exists()


def test_latents_of_several_sizes_go_through_one_call(world: World, tmp_path: Path) -> None:
    world.boost(PROMPTS, None, save_latents=tmp_path / "latents")
    world.boost(["wide"], None, save_latents=tmp_path / "latents", width=32)
    made = boost(model=world.model, out=tmp_path / "out", from_latents=tmp_path / "latents", batch=4)
    assert sorted(pixels(path).shape[1] for path in made) == [48, 48, 48, 64]


def test_a_pipeline_of_another_space_is_refused_before_work(world: World, tmp_path: Path) -> None:
    other = str(tiny.save("sdxl", tmp_path / "sdxl"))
    with pytest.raises(ValueError, match=r"different spaces: scale 0\.13025 there, 0\.18215 here"):
        world.boost(PROMPTS, tmp_path / "out", pipeline=other)
    assert not (tmp_path / "out").exists()


def test_the_pipeline_has_the_encoder_that_a_checkpoint_does_not_find(world: World, tmp_path: Path) -> None:
    """A checkpoint from another machine names a folder of that one; the weights of its encoder must be the same."""
    saved = checkpoints.load(world.model)
    saved["meta"]["model"]["encoder"] |= {"path": "/not/here", "subfolder": "decoder"}
    checkpoints.save(saved, tmp_path / "flow.pth")
    moved = World(world.pipeline, str(tmp_path / "flow.pth"))
    (path,) = moved.boost(PROMPTS[:1], tmp_path / "out", save_latents=tmp_path / "latents")
    assert np.array_equal(pixels(path), pixels(world.boost(PROMPTS[:1], tmp_path / "same")[0]))
    lift = {"model": moved.model, "out": tmp_path / "again", "from_latents": tmp_path / "latents"}
    with pytest.raises(ValueError, match="/not/here"):
        boost(**lift)
    with pytest.raises(ValueError, match="AutoencoderKL found no weights"):
        boost(**lift, encoder=str(tmp_path))
    vae = Path(world.pipeline, "vae").rename(Path(world.pipeline, "decoder"))
    try:
        assert boost(**lift, encoder=world.pipeline)
    finally:
        vae.rename(Path(world.pipeline, "vae"))
    other = tiny.build("sd")
    other.vae.encoder.conv_in.weight.data += 1
    other.save_pretrained(tmp_path / "other")
    with pytest.raises(ValueError, match="/not/here"):
        moved.boost(PROMPTS[:1], tmp_path / "wrong", pipeline=str(tmp_path / "other"))


# What is asked


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"prompts": []}, "give prompts with a pipeline"),
        ({"pipeline": None}, "give prompts with a pipeline"),
        ({"from_latents": "x"}, "give prompts with a pipeline"),
        ({"prompts": [], "pipeline": None, "from_latents": "x", "save_latents": "y"}, "are there already"),
        ({"prompts": [], "pipeline": None, "from_latents": "x"}, "there is no folder 'x'"),
        ({"model": None}, "give a model and out for pictures"),
        ({"out": None}, "give a model and out for pictures"),
        ({"model": None, "out": None}, "give a model and out for pictures"),
        ({"model": None, "out": None, "save_latents": "y", "compare": True}, "give a model and out for pictures"),
        ({"samples": 0}, "1 or more; got samples=0"),
        ({"batch": 0}, "got samples=1, batch=0"),
        ({"out": "a.jpg"}, r"written as PNG; got --out a\.jpg"),
        ({"out": "a.png", "samples": 2}, r"2 pictures do not go into one file a\.png"),
    ],
)
def test_what_does_not_go_together(keys: dict[str, Any], message: str) -> None:
    asked = {"prompts": ["a"], "pipeline": "p", "model": "m", "out": "o", **keys}
    with pytest.raises(ValueError, match=message):
        boost(asked.pop("prompts"), **asked)


def test_prompts_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "prompts.txt"
    file.write_bytes("\ufeff# mine\n\n  a fox \r\nsnow # not a comment\n".encode())
    assert read_prompts(file) == ["a fox", "snow # not a comment"]
    file.write_text("a fox\nsnow\na fox \n")
    with pytest.raises(ValueError, match=r"line 3 repeats line 1; --samples"):
        read_prompts(file)
    file.write_text("# none\n")
    with pytest.raises(ValueError, match="holds no prompts"):
        read_prompts(file)
    with pytest.raises(ValueError, match="cannot be read"):
        read_prompts(tmp_path / "no.txt")


def tool(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> None:
    monkeypatch.setattr(sys, "argv", ["boost.py", *map(str, arguments)])
    runpy.run_path("tools/boost.py", run_name="__main__")


def test_the_tool(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file, out = tmp_path / "prompts.txt", tmp_path / "out"
    file.write_text("\n".join(PROMPTS))
    shared = ("--pipeline", world.pipeline, "--steps", 2, "--height", 16, "--width", 24, "--seed", 5)
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("RANK", "1")
    tool(monkeypatch, "--prompts", file, *shared, "--model", world.model, "--out", out, "--precision", "fp32")
    (only,) = out.glob("*.png")
    assert sidecar(only)["prompt"] == PROMPTS[1]
    assert f"1 pictures in {out}" in capsys.readouterr().out
    monkeypatch.delenv("WORLD_SIZE")
    monkeypatch.delenv("RANK")
    tool(monkeypatch, PROMPTS[0], *shared, "--save-latents", tmp_path / "latents")
    tool(monkeypatch, "--from-latents", tmp_path / "latents", "--model", world.model, "--out", tmp_path / "one.png")
    assert sidecar(tmp_path / "one.png")["settings"]["run_seed"] == 5
    with pytest.raises(SystemExit, match="error: '/no/pipeline' is no pipeline"):
        tool(monkeypatch, "fox", "--pipeline", "/no/pipeline", "--model", world.model, "--out", tmp_path / "none")
