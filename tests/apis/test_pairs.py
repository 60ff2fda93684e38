"""A flow's own pairs: ends as sampled, resumed exactly, straighter to learn, and given back for training."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from mmengine.dataset import pseudo_collate
from torch import Tensor, nn

from cfmrestore.apis.pairs import write_pairs
from cfmrestore.contracts.analytic import GAUSSIAN
from cfmrestore.datasets import FlowPairs
from cfmrestore.evaluation.functional.straightness import straightness
from cfmrestore.flows import RestorationPreprocessor
from cfmrestore.registry import NETWORKS
from cfmrestore.restore.sampler import Sampler
from tests.restore.flows import save_model
from tests.testing import run_tool, write_images

LABELS = [{"type": "ClassLabel", "classes": 4, "channels": 8, "dropout": 0.1}]
NOISE = {"type": "Independent"}
GENERATES = {"coupling": NOISE, "conditions": LABELS, "scale": 1, "image_size": 8}


@NETWORKS.register_module(force=True)
class GaussianVelocity(nn.Module):
    """The flow from N(0, 1) to a narrower law in every element."""

    def __init__(self) -> None:
        super().__init__()
        self.unused = nn.Parameter(torch.zeros(1))

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        return GAUSSIAN.v(x.flatten(1), t).view_as(x)


def everything(folder: Path) -> dict[str, Tensor]:
    data = FlowPairs(data_root=str(folder))
    rows = [data.inputs(index, 0) for index in range(len(data))]
    return {name: torch.stack([row[name] for row in rows]) for name in rows[0]}


def test_ends_are_those_of_sampling(tmp_path: Path) -> None:
    model = save_model(tmp_path / "m.pth", **GENERATES)
    files = write_pairs(model, 6, tmp_path / "pairs", classes=[2, 0], guidance=1.5, batch=4, seed=3, device="cpu")
    assert [file.name for file in files] == ["000000.safetensors", "000001.safetensors"]
    found = everything(tmp_path / "pairs")
    assert found["label"].tolist() == [2, 0, 2, 0, 2, 0]
    sampler = Sampler.from_pretrained(model, device="cpu")
    drawn = sampler.draw(range(3, 7), sampler.settings(guidance=1.5), given={"label": found["label"][:4]})
    assert torch.equal(found["latent"][:4], drawn.latent)
    assert float(found["start"].std()) == pytest.approx(1, abs=0.1)


def test_ends_of_inputs_are_those_of_restoring_them(tmp_path: Path) -> None:
    images = write_images(tmp_path / "images", count=3)
    own = {"fidelity": 0.5, "noise": 0.5, "num_intervals": 2}  # which pairs have not
    model = save_model(tmp_path / "m.pth", scale=2, sampling=own)
    write_pairs(model, 5, tmp_path / "pairs", images=images, crop=16, batch=3, device="cpu", dtype="float16")
    found = everything(tmp_path / "pairs")
    assert (found["low"].dtype, found["start"].dtype) == (torch.uint8, torch.float16)
    sampler = Sampler.from_pretrained(model, device="cpu")
    sampling = replace(sampler.flow.sampling, fidelity=0.0, noise=1.0)
    drawn = sampler.draw(range(3), sampling, low=found["low"][:3].float() / 255)
    assert torch.allclose(found["latent"][:3].float(), drawn.latent, atol=2e-3)


def test_a_run_goes_on_and_many_processes_are_one(tmp_path: Path) -> None:
    model, keys = save_model(tmp_path / "m.pth", **GENERATES), {"batch": 2, "device": "cpu"}
    files = write_pairs(model, 7, tmp_path / "a", **keys)
    before = {file: file.read_bytes() for file in files}
    files[1].unlink()
    assert write_pairs(model, 7, tmp_path / "a", **keys) == [files[1]]
    assert {file: file.read_bytes() for file in files} == before
    for index in range(2):
        write_pairs(model, 7, tmp_path / "b", part=(index, 2), **keys)
    assert [(tmp_path / "b" / file.name).read_bytes() for file in files] == list(before.values())
    with pytest.raises(ValueError, match="was made otherwise"):
        write_pairs(model, 7, tmp_path / "a", num_intervals=5, **keys)
    assert "1 file written" in run_tool("pairs.py", model, "--count", 2, "--out", tmp_path / "c", "--device", "cpu")


def test_reflow_is_straighter_than_the_flow(tmp_path: Path) -> None:
    model = save_model(
        tmp_path / "m.pth", network={"type": "GaussianVelocity"}, encoder={"type": "Identity"}, coupling=NOISE,
        conditions=[], scale=1, image_size=16, sampling={"solver": {"type": "RK4"}, "num_intervals": 32},
    )  # fmt: skip
    write_pairs(model, 64, tmp_path / "pairs", device="cpu")
    found = everything(tmp_path / "pairs")
    x_0, x_1 = found["start"].double(), found["latent"].double()
    assert torch.allclose(x_1.flatten(1), GAUSSIAN.map(x_0.flatten(1), torch.ones(())), atol=1e-4)

    def learned(x: Tensor, t: Tensor) -> Tensor:
        """E[x_1 - x_0 | x_t] of the pairs, which are jointly normal: a line, by least squares."""
        x_t, v = (1 - t) * x_0 + t * x_1, x_1 - x_0
        slope = ((x_t - x_t.mean()) * (v - v.mean())).mean() / x_t.var(correction=0)
        return v.mean() + slope * (x - x_t.mean())

    flow = Sampler.from_pretrained(model, device="cpu").flow
    original = straightness(lambda x, t: flow.network(x, t.expand(len(x))), x_0).mean()
    assert float(original) > 0.01
    assert float(straightness(learned, x_0).mean()) < 1e-6


@pytest.mark.parametrize("restores", [False, True])
def test_training_starts_where_the_pair_does(tmp_path: Path, restores: bool) -> None:
    if restores:
        images = write_images(tmp_path / "images", count=3)
        steps = [{"type": "Downscale", "scale": 2}]
        preprocessor = {"type": "RestorationPreprocessor", "degradation": steps}
        coupling = {"type": "LowresLatent", "noise": [64, 400]}
        told = [{"type": "LowRes", "noise_level": True}]
        model = save_model(
            tmp_path / "m.pth", scale=2, coupling=coupling, conditions=told, data_preprocessor=preprocessor
        )
        write_pairs(model, 3, tmp_path / "pairs", images=images, crop=16, device="cpu")
    else:
        model = save_model(tmp_path / "m.pth", **GENERATES)
        write_pairs(model, 3, tmp_path / "pairs", device="cpu")
    data, flow = FlowPairs(data_root=str(tmp_path / "pairs")), Sampler.from_pretrained(model, device="cpu").flow
    preprocessor = RestorationPreprocessor(degradation=[{"type": "Downscale", "scale": 2}] if restores else None)
    batch = preprocessor(pseudo_collate([data[index] for index in range(3)]))
    flow.data_preprocessor = preprocessor
    flow.train()
    point = flow.draw(**flow._completed(batch["inputs"]))
    found = everything(tmp_path / "pairs")
    t = point.t[:, None, None, None]
    assert torch.equal(point.pair.source.x_0, found["start"])
    assert torch.allclose(point.x_t, (1 - t) * found["start"] + t * found["latent"], atol=1e-6)
    assert torch.allclose(point.dx_t, found["latent"] - found["start"])
    if restores:  # the level of the start at test time, not one that is drawn
        assert len(point.conditioning["noise_level"].unique()) == 1
    assert float(flow.loss(**batch["inputs"])["loss_mse"]) > 0


def test_folders_that_are_no_pairs(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="there are no pairs in"):
        FlowPairs(data_root=str(tmp_path))
    small = save_model(tmp_path / "a.pth", **GENERATES)
    write_pairs(small, 2, tmp_path / "pairs", batch=1, device="cpu")
    with pytest.raises(ValueError, match=r"is of the encoder .* not of other"):
        FlowPairs(data_root=str(tmp_path / "pairs"), encoder="other")
    large = save_model(tmp_path / "b.pth", **{**GENERATES, "image_size": 12})
    write_pairs(large, 1, tmp_path / "large", device="cpu")
    (tmp_path / "large" / "000000.safetensors").rename(tmp_path / "pairs" / "000009.safetensors")
    with pytest.raises(ValueError, match="pairs of different flows or sizes"):
        FlowPairs(data_root=str(tmp_path / "pairs"))
    with pytest.raises(ValueError, match="dtype is one of float32, float16"):
        write_pairs(small, 1, tmp_path / "c", dtype="int8")
