"""Caches of latents: the bytes are those of no particular process, and trainings on them are those on images."""

import os
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from mmengine.dataset import pseudo_collate
from PIL import Image

from cfmrestore._compat import patch_torchvision
from cfmrestore.apis.cache import write_cache
from cfmrestore.contracts.base import randomize
from cfmrestore.datasets import CachedLatents, Draw
from cfmrestore.engine import checkpoints
from cfmrestore.engine.config.load import load_config
from cfmrestore.flows import CouplingFlow
from cfmrestore.registry import DATASETS, MODELS
from tests.restore.flows import save_model
from tests.testing import TINY, call_tool, run_tool, small_options, start_tool, write_images

CONFIG = """
randomness = dict(seed=3)
model = dict(type="CouplingFlow", scale=2, encoder={encoder}, coupling={coupling}, network={network},
             data_preprocessor=dict(type="RestorationPreprocessor", degradation={degradation}))
train_dataloader = dict(
    batch_size=4,
    dataset=dict(type="ImageFolder", data_root={images!r}, pipeline=[
        dict(type="RandomCrop", size={crop}),
        dict(type="Albumentations", transforms=[dict(type="D4", p=1.0)])]),
)
"""
NETWORK = {"type": "UNet", "base_channels": 8, "channel_factors": (1, 2), "blocks": 1, "groups": 4,
           "attention_factors": (), "time_scale": 1000.0}  # fmt: skip
DEGRADATION = [{"type": "Downscale", "scale": 2}, {"type": "GaussianNoise", "sigma": (1, 20)}]
COUPLING = {"type": "LowresLatent", "noise": (100, 400)}


def write_config(folder: Path, *, images: int = 10, name: str = "config", **changes: Any) -> Path:
    keys = {"encoder": {"type": "Haar", "factor": 2}, "coupling": COUPLING, "network": NETWORK, "crop": 16,
            "degradation": DEGRADATION, **changes}  # fmt: skip
    data = folder / "images"
    if not data.is_dir():
        write_images(data, count=images)
    path = folder / f"{name}.py"
    path.write_text(CONFIG.format(images=str(data), **keys))
    return path


def content(folder: Path) -> dict[str, bytes]:
    """All files of a cache, hidden ones too."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def autoencoder(folder: Path) -> dict[str, Any]:
    """The config of a small encoder of random weights that draws from its posterior."""
    patch_torchvision()
    from diffusers import AutoencoderKL

    torch.manual_seed(0)
    model = AutoencoderKL(
        block_out_channels=(8, 8), down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2, norm_num_groups=4, latent_channels=4, sample_size=32,
    )  # fmt: skip
    model.save_pretrained(folder)
    return {"type": "AutoencoderKL", "path": str(folder), "posterior": "sample"}


def flow_of(cfg: Any) -> CouplingFlow:
    torch.manual_seed(0)
    flow = MODELS.build(cfg.model)
    randomize(flow.network)
    return flow


def losses(flow: CouplingFlow, samples: list[dict[str, Any]], size: int = 4, steps: int = 6) -> list[float]:
    """Of a few steps of training on batches in order."""
    optimizer = torch.optim.SGD(flow.parameters(), lr=1e-2)
    found = []
    for step in range(steps):
        first = step * size % len(samples)
        batch = flow.data_preprocessor(pseudo_collate(samples[first : first + size]), True)
        loss = sum(flow(**batch, mode="loss").values())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        found.append(float(loss))
    return found


@pytest.mark.parametrize("upsample", ["pixel", "bilinear", "latent", "nearest", "decoded"])
@pytest.mark.parametrize("kind", ["Haar", "AutoencoderKL"])
def test_losses_are_those_of_encoding_online(tmp_path: Path, kind: str, upsample: str) -> None:
    """Step for step, with everything that is drawn: crops, turns, noise, the posterior, starts, times."""
    changes = {"coupling": {**COUPLING, "upsample": upsample}}
    if kind == "AutoencoderKL":
        changes["encoder"] = autoencoder(tmp_path / "vae")
    config = write_config(tmp_path, images=8, **changes)
    if (kind, upsample) == ("AutoencoderKL", "decoded"):
        with pytest.raises(ValueError, match="a cache would hold one draw for all epochs"):
            write_cache(config, tmp_path / "cache")
        return
    assert write_cache(config, tmp_path / "cache", crops=3, dtype="float32", batch=3, device="cpu")["entries"] == 24
    cfg = load_config(config)
    cached = CachedLatents(data_root=str(tmp_path / "cache"), seed=3)
    online = DATASETS.build(cfg.train_dataloader.dataset, default_args={"seed": 3})
    for epoch, exact in ((0, True), (1, False)):
        stored = [cached[Draw(index, epoch, index)] for index in range(24)]
        images = [online[Draw(index % 8, 3 * epoch + index // 8, index)] for index in range(24)]
        assert [one["data_samples"]["seed"] for one in stored] == [one["data_samples"]["seed"] for one in images]
        flows = flow_of(cfg), flow_of(cfg)
        cached.check_flow(flows[0])
        curves = losses(flows[0], stored), losses(flows[1], images)
        if exact:
            np.testing.assert_allclose(*curves, rtol=1e-9 if kind == "Haar" else 1e-5)
        else:  # the same draws, of the crops of epoch 0
            assert curves[0] != pytest.approx(curves[1], rel=1e-4)


def test_the_posterior_is_drawn_anew_each_time(tmp_path: Path) -> None:
    config = write_config(tmp_path, images=2, encoder=autoencoder(tmp_path / "vae"))
    write_cache(config, tmp_path / "cache", device="cpu")
    cached, flow = CachedLatents(data_root=str(tmp_path / "cache")), flow_of(load_config(config))
    assert cached[0]["inputs"]["high_moments"].shape == (8, 8, 8)
    ends = []
    for epoch in (0, 0, 1):
        batch = flow.data_preprocessor(pseudo_collate([cached[Draw(0, epoch, 0)]]), True)
        ends.append(flow.draw(**batch["inputs"]).pair)
    assert torch.equal(ends[0].x_1, ends[1].x_1)
    assert (ends[0].x_1 - ends[2].x_1).abs().mean() > 1e-3
    assert (ends[0].source.lowres - ends[2].source.lowres).abs().mean() > 1e-3


def test_versions_are_epochs_and_degradations_share_their_crop(tmp_path: Path) -> None:
    config = write_config(tmp_path, images=3)
    write_cache(config, tmp_path / "cache", crops=2, degradations=3, dtype="float32")
    cached = CachedLatents(data_root=str(tmp_path / "cache"), seed=3)
    online = DATASETS.build(load_config(config).train_dataloader.dataset, default_args={"seed": 3})
    assert len(cached) == 18
    entries = {cached.name(index): cached[index]["inputs"] for index in range(18)}
    for image in range(3):
        for version in range(6):
            high = online.inputs(image, online.seed_of(image, 3 * (version // 3)))[
                "high"
            ]  # wavelets' moments are pixels
            assert torch.equal(entries[f"{image}.png:{version}"]["high_moments"], high.float() / 255)
        lifted = [entries[f"{image}.png:{version}"]["lifted_moments"] for version in range(3)]
        assert all((lifted[a] - lifted[b]).abs().max() > 0.01 for a, b in ((0, 1), (1, 2)))


def test_sizes_lie_in_buckets(tmp_path: Path) -> None:
    folder = tmp_path / "images"
    write_images(folder, count=3, side=32)
    Image.new("RGB", (40, 24), (90, 20, 200)).save(folder / "wide.png")
    config = tmp_path / "config.py"
    config.write_text(
        CONFIG.format(encoder={"type": "Haar", "factor": 2}, coupling=COUPLING, network=NETWORK, crop=16,
                      degradation=DEGRADATION, images=str(folder))
    )  # fmt: skip
    write_cache(config, tmp_path / "cache", images=folder, parts=["low", "lifted"])
    assert sorted(path.name for path in (tmp_path / "cache").glob("*.safetensors")) == [
        "0000-000000-24x40.safetensors",
        "0000-000000-32x32.safetensors",
    ]
    cached = CachedLatents(data_root=str(tmp_path / "cache"), group=1)
    shapes = {name: tuple(value.shape) for name, value in cached[0]["inputs"].items()}
    assert shapes == {"high_moments": (3, 24, 40), "low_moments": (3, 12, 20), "lifted_moments": (3, 24, 40)}
    for upsample in ("pixel", "latent"):
        coupling = {**COUPLING, "upsample": upsample}
        cached.check_flow(flow_of(load_config(write_config(tmp_path, name=upsample, coupling=coupling))))


def test_more_crops_are_added_to_a_cache(tmp_path: Path) -> None:
    config = write_config(tmp_path)
    assert write_cache(config, tmp_path / "cache", shard=4)["entries"] == 10
    before = content(tmp_path / "cache")
    assert write_cache(config, tmp_path / "cache", shard=4, crops=3)["entries"] == 20
    after = content(tmp_path / "cache")
    assert all(after[name] == data for name, data in before.items() if name != "index.json")
    write_cache(config, tmp_path / "at_once", shard=4, crops=3)
    assert content(tmp_path / "at_once") == after


def test_shares_make_the_same_bytes(tmp_path: Path) -> None:
    config = write_config(tmp_path)
    write_cache(config, tmp_path / "alone", shard=3, crops=2, batch=2)
    for rank in (2, 0, 1):
        assert not (tmp_path / "shared" / "index.json").exists()
        done = write_cache(config, tmp_path / "shared", shard=3, crops=2, batch=2, part=(rank, 3), workers=rank == 1)
        assert done == {"entries": {2: 6, 0: 7, 1: 7}[rank], "left": {2: 6, 0: 3, 1: 0}[rank]}
    assert content(tmp_path / "shared") == content(tmp_path / "alone")


@pytest.mark.slow
def test_killed_at_random_and_run_again(tmp_path: Path) -> None:
    """Two processes, killed over and over; what they leave in the end is what one makes in peace."""
    config = write_config(tmp_path, images=40)
    flags = ["--crops", 3, "--shard", 6, "--batch", 4, "--threads", 1, "--device", "cpu"]
    run_tool("cache_latents.py", config, "--out", tmp_path / "whole", *flags)
    whole, killed = content(tmp_path / "whole"), tmp_path / "killed"
    rng, kills = np.random.default_rng(0), 0
    for attempt in range(6):
        processes = [
            start_tool("cache_latents.py", config, "--out", killed, *flags, "--rank", rank, "--world-size", 2,
                       log=tmp_path / f"log{attempt}.{rank}")
            for rank in range(2)
        ]  # fmt: skip
        goal = len(list(killed.glob("*.safetensors"))) + int(rng.integers(1, 6))
        while len(list(killed.glob("*.safetensors"))) < goal and any(one.is_alive() for one in processes):
            time.sleep(float(rng.uniform(0, 0.02)))
        for one in processes:
            if one.is_alive():
                one.kill()
            one.join()
            kills += one.exitcode == -signal.SIGKILL
        for name, data in content(killed).items():
            assert name.endswith(".tmp") or whole[name] == data
        if (killed / "index.json").exists():
            break
    (killed / ".index.json.ab12.tmp").write_text("{")  # as one leaves that is killed in the last moment
    for unfinished in killed.glob(".*.tmp"):
        os.utime(unfinished, (0, 0))
    run_tool("cache_latents.py", config, "--out", killed, *flags)
    assert kills > 3
    assert content(killed) == whole


def test_verifying_finds_what_changed(tmp_path: Path) -> None:
    config, out = write_config(tmp_path, encoder=autoencoder(tmp_path / "vae")), tmp_path / "cache"
    with pytest.raises(ValueError, match="no whole cache of latents"):
        write_cache(config, out, verify=4)
    write_cache(config, out, crops=2)
    assert write_cache(config, out, crops=2, verify=100) == {"verified": 20, "difference": pytest.approx(0, abs=1e-3)}
    Image.new("RGB", (32, 32), (10, 200, 30)).save(tmp_path / "images" / "4.png")
    with pytest.raises(ValueError, match=r"2 of 20 entries that were encoded again differ .* 4\.png:[01], 4\.png:[01]"):
        write_cache(config, out, crops=2, verify=100)


def test_a_folder_holds_one_recipe(tmp_path: Path) -> None:
    config, out = write_config(tmp_path), tmp_path / "cache"
    write_cache(config, out)
    assert write_cache(config, out)["entries"] == 0
    changes: list[tuple[dict, str]] = [
        ({"dtype": "float32"}, "dtype"), ({"seed": 4}, "seed"), ({"degradations": 2}, "degradations"),
        ({"degradation": "bicubic"}, "degradation"),
        ({"images": write_images(tmp_path / "i", 4), "crop": 16}, "images"),
    ]  # fmt: skip
    for keys, name in changes:
        with pytest.raises(ValueError, match=rf"made otherwise \(.*\b{name}\b.* differ\)"):
            write_cache(config, out, **keys)


def test_a_model_and_a_folder(tmp_path: Path) -> None:
    degradation = {"type": "Downscale", "scale": 4}
    preprocessor = {"type": "RestorationPreprocessor", "degradation": degradation}
    model = save_model(tmp_path / "model.pth", data_preprocessor=preprocessor)
    images = write_images(tmp_path / "images", 5)
    with pytest.raises(ValueError, match="name a folder of photographs: --images"):
        write_cache(model, tmp_path / "cache")
    assert write_cache(model, tmp_path / "cache", images=images, crop=16, crops=2)["entries"] == 10
    meta = checkpoints.load(model)["meta"]["model"]
    CachedLatents(data_root=str(tmp_path / "cache")).check_flow(MODELS.build(meta))
    write_cache(model, tmp_path / "other", images=images, crop=16, degradation="bicubic")
    with pytest.raises(ValueError, match="cache of another degradation than the flow's"):
        CachedLatents(data_root=str(tmp_path / "other")).check_flow(MODELS.build(meta))


def test_what_cannot_be_cached_is_said(tmp_path: Path) -> None:
    cases: list[tuple[dict, dict, str]] = [
        ({"coupling": {**COUPLING, "upsample": "latent"}}, {"parts": ["high"]}, "parts are low and lifted"),
        ({}, {"crops": 0}, "crops, shard and batch are 1 or more"),
        ({}, {"dtype": "int8"}, "dtype one of"),
        ({"degradation": None}, {}, "no low-quality images and the preprocessor no degradation"),
        ({"crop": 15}, {}, "multiples of 2; got 15x15"),
    ]
    for number, (changes, keys, message) in enumerate(cases):
        with pytest.raises(ValueError, match=message):
            write_cache(write_config(tmp_path, name=f"c{number}", **changes), tmp_path / f"out{number}", **keys)
        assert not (tmp_path / f"out{number}").exists()
    conditions = {"model.conditions": [{"type": "Inpaint"}], "model.data_preprocessor.mask": {"type": "BoxMask"}}
    with pytest.raises(ValueError, match=r"condition Inpaint is told pixels \(low, mask\)"):
        write_cache(write_config(tmp_path), tmp_path / "inpaint", options=conditions)
    mixture = {"train_dataloader.dataset": {"_delete_": True, "type": "Mixture", "datasets": [{"type": "Digits"}]}}
    with pytest.raises(ValueError, match="a cache is of one dataset of photographs, and Mixture is none"):
        write_cache(write_config(tmp_path), tmp_path / "mixture", options=mixture)
    for number, options, has in ((1, mixture, "the datasets 0 to 0"), (0, {}, "no datasets")):
        with pytest.raises(ValueError, match=f"the config mixes {has}; got --dataset {number}"):
            write_cache(write_config(tmp_path), tmp_path / "mixture", options=options, dataset=number)
    assert "--rank is one of 0 to --world-size - 1; got 2 of 2" in call_tool(
        "cache_latents.py", write_config(tmp_path), "--out", tmp_path / "o", "--rank", 2, "--world-size", 2
    )


def test_one_dataset_of_a_mixture(tmp_path: Path) -> None:
    config = write_config(tmp_path)
    folders = [write_images(tmp_path / name, count=n) for name, n in (("a", 2), ("b", 3))]
    datasets = [{"type": "ImageFolder", "data_root": str(one), "pipeline": [{"type": "RandomCrop", "size": 16}]}
                for one in folders]  # fmt: skip
    mixture = {"train_dataloader.dataset": {"_delete_": True, "type": "Mixture", "datasets": datasets}}
    assert write_cache(config, tmp_path / "out", options=mixture, dataset=1)["entries"] == 3
    alone = {"train_dataloader.dataset": {"_delete_": True, **datasets[1]}}
    write_cache(config, tmp_path / "alone", options=alone)
    assert content(tmp_path / "out") == content(tmp_path / "alone")


def test_an_unreadable_image_is_left_out_where_the_dataset_skips(tmp_path: Path) -> None:
    config = write_config(tmp_path)
    (tmp_path / "images" / "3.png").write_bytes(b"no picture")
    with pytest.raises(ValueError, match=r"1 of 4 failed, the others are done:\n.*3\.png"):
        write_cache(config, tmp_path / "cache", shard=3)
    with pytest.warns(RuntimeWarning, match=r"skipped 3\.png"):
        write_cache(config, tmp_path / "cache", shard=3, options={"train_dataloader.dataset.on_error": "skip"})
    cached = CachedLatents(data_root=str(tmp_path / "cache"))
    assert [cached.name(index) for index in range(9)] == [f"{n}.png:0" for n in range(10) if n != 3]


def test_classes_and_latents_without_inputs(tmp_path: Path) -> None:
    """What a class-conditional flow from noise is trained on."""
    options = {
        "train_dataloader.dataset": {"_delete_": True, "type": "Digits"},
        "model.data_preprocessor.degradation": None, "model.coupling": {"_delete_": True, "type": "Independent"},
        "model.conditions": [{"type": "ClassLabel", "classes": 10, "channels": 8}], "model.scale": 1,
    }  # fmt: skip
    config = write_config(tmp_path)
    assert write_cache(config, tmp_path / "cache", options=options, dtype="float32", batch=64)["entries"] > 1000
    cached = CachedLatents(data_root=str(tmp_path / "cache"), seed=3)
    cfg = load_config(config, options)
    online, flow = DATASETS.build({"type": "Digits"}, default_args={"seed": 3}), flow_of(cfg)
    cached.check_flow(flow)
    assert cached.metainfo["classes"] == list(online.metainfo["classes"])
    assert cached[0]["inputs"].keys() == {"high_moments", "label"}
    samples = [[data[Draw(index, 0, index)] for index in range(16)] for data in (cached, online)]
    np.testing.assert_allclose(*(losses(flow_of(cfg), one) for one in samples), rtol=1e-6)


@pytest.mark.slow
def test_a_training_from_a_cache_resumes_and_refuses(tmp_path: Path) -> None:
    keys = small_options(tmp_path, **{"train_cfg.max_iters": 6, "model.network.dropout": 0.0})
    cache = tmp_path / "cache"
    run_tool("cache_latents.py", TINY, "--out", cache, "--crops", 2, "--shard", 4, options=keys, ranks=2)
    config = tmp_path / "config.py"
    dataset = f'dict(_delete_=True, type="CachedLatents", data_root={str(cache)!r})'
    config.write_text(f"_base_ = {str(TINY)!r}\ntrain_dataloader = dict(dataset={dataset})\n")
    keys = {key: value for key, value in keys.items() if key != "train_dataloader.dataset.data_root"}
    run_tool("train.py", config, "--work-dir", tmp_path / "whole", "--no-validate", options=keys)
    halfway, parts = tmp_path / "whole" / "iter_3.pth", {**keys, "train_dataloader.batch_size": 2}
    run_tool("train.py", config, "--work-dir", tmp_path / "broken", "--no-validate", "--resume", halfway,
             options=parts, ranks=2)  # fmt: skip
    ends = [checkpoints.load(tmp_path / name / "iter_6.pth")["raw_state_dict"] for name in ("whole", "broken")]
    for name in ends[0]:
        torch.testing.assert_close(ends[0][name], ends[1][name], rtol=1e-4, atol=1e-6)
    refused = run_tool("train.py", config, "--work-dir", tmp_path / "no", options={**keys, "model.encoder.factor": 4},
                       expect=1)  # fmt: skip
    assert "is a cache of another encoder than the flow's" in refused


def test_bundled_models_encode(tmp_path: Path) -> None:
    """Whatever it was trained by: a loss that learns from a teacher needs none here."""
    write_images(tmp_path / "images", count=1, side=32)
    for name in ("cfm-x4", "cfm-x4-fast"):
        done = write_cache(name, tmp_path / name, images=str(tmp_path / "images"), crop=16, crops=1, device="cpu")
        assert done == {"entries": 1, "left": 0}
