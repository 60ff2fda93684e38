"""The flow: its loss, its restorations, and what it keeps."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from cfmrestore.flows import CouplingFlow, RestorationPreprocessor
from cfmrestore.ops.resize import resize
from cfmrestore.registry import MODELS, NETWORKS

NETWORK = {"type": "UNet", "base_channels": 8, "channel_factors": (1, 2), "blocks": 1, "groups": 4,
           "attention_factors": (), "input_skip": True}  # fmt: skip


def build(**keys) -> CouplingFlow:
    torch.manual_seed(0)
    cfg = {"type": "CouplingFlow", "encoder": {"type": "Haar", "factor": 2}, "coupling": {"type": "LowresLatent"},
           "network": NETWORK, "scale": 2, **keys}  # fmt: skip
    flow = MODELS.build(cfg)
    for parameter in flow.parameters():
        nn.init.normal_(parameter, std=0.05)
    return flow


def batch(count: int = 3, height: int = 8, width: int = 8) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    high = torch.rand(count, 3, 2 * height, 2 * width, generator=generator)
    seeds = torch.arange(count) + 5
    return {"high": high, "low": resize(high, scale=1 / 2), "seeds": seeds, "numbers": seeds}


@NETWORKS.register_module(force=True)
class Exact(nn.Module):
    """Knows the data: v = (x_1 - x) / (1 - t), with x_1 given as the context plus a constant."""

    def __init__(self) -> None:
        super().__init__()
        self.shift = nn.Parameter(torch.tensor(0.1))

    def forward(self, x, t, context=None):
        return (context + self.shift - x) / (1 - t)[:, None, None, None].clamp_min(1e-6)


@pytest.mark.parametrize("solver", ["Euler", "Midpoint"])  # the others look at t = 1, where it is not defined
def test_an_exact_velocity_restores_exactly(solver: str) -> None:
    flow = build(network={"type": "Exact"}, encoder={"type": "Identity"}, sampling={"solver": {"type": solver}})
    flow.network.shift.data.fill_(0.1)
    data = batch()
    restored = flow.restore(data["low"], data["seeds"])
    assert torch.allclose(restored.image, (resize(data["low"], scale=2) + 0.05).clamp(0, 1), atol=1e-4)


def test_a_network_that_says_nothing_leaves_bicubic() -> None:
    flow = build(coupling={"type": "LowresLatent", "noise": None})
    for parameter in flow.parameters():
        nn.init.zeros_(parameter)
    data = batch()
    assert torch.allclose(
        flow.restore(data["low"], data["seeds"]).image, resize(data["low"], scale=2).clamp(0, 1), atol=1e-5
    )


def test_the_loss_is_its_equation() -> None:
    flow, data = build(loss=[{"type": "MSE"}, {"type": "Huber", "weight": 0.5}]), batch()
    losses = flow.loss(**data)
    assert losses.keys() == {"loss_mse", "loss_huber"}
    from cfmrestore.ops.rng import ImageRng

    rng = ImageRng(data["seeds"]).fork("flow")
    pair = flow.coupling.pair(data["high"], data["low"], rng)
    t = flow.times(rng, data["numbers"])
    time = t[:, None, None, None]
    x_0 = pair.source.x_0
    v = flow.network((1 - time) * x_0 + time * pair.x_1, t, context=pair.source.lowres)
    assert torch.allclose(losses["loss_mse"], (v - (pair.x_1 - x_0)).square().mean())


def test_losses_of_one_class_all_count() -> None:
    flow, data = build(loss=[{"type": "MSE"}, {"type": "Huber"}, {"type": "MSE", "weight": 0.5}]), batch()
    losses = flow.loss(**data)
    assert list(losses) == ["loss_mse", "loss_huber", "loss_mse_2"]
    assert torch.allclose(losses["loss_mse_2"], 0.5 * losses["loss_mse"])


def test_the_loss_is_the_mean_of_its_parts() -> None:
    """What makes ranks and micro-batches equal the large batch."""
    flow, data = build(), batch(4)
    parts = [flow.loss(**{k: v[i : i + 2] for k, v in data.items()})["loss_mse"] for i in (0, 2)]
    assert torch.allclose(flow.loss(**data)["loss_mse"], sum(parts) / 2)


def test_an_image_is_restored_the_same_in_any_batch() -> None:
    flow, data = build(), batch()
    together = flow.restore(data["low"], data["seeds"]).image
    alone = flow.restore(data["low"][1:2], data["seeds"][1:2]).image
    assert torch.allclose(together[1:2], alone, atol=1e-5)
    assert not torch.allclose(alone, flow.restore(data["low"][1:2], data["seeds"][1:2] + 1).image, atol=1e-3)


@pytest.mark.parametrize("size", [(1, 1), (5, 7), (9, 4)])
@pytest.mark.parametrize("upsample", ["pixel", "latent"])
def test_any_size(size: tuple[int, int], upsample: str) -> None:
    flow = build(encoder={"type": "Haar", "factor": 8}, coupling={"type": "LowresLatent", "upsample": upsample})
    low = torch.rand(1, 3, *size)
    assert flow.restore(low, torch.tensor([1])).image.shape == (1, 3, 2 * size[0], 2 * size[1])


@pytest.mark.parametrize(
    ("solver", "nfe"), [("Euler", 5), ("Midpoint", 10), ("Heun", 10), ("RK4", 20), ("AB2", 6), ("EulerMaruyama", 5)]
)
def test_nfe_is_reported(solver: str, nfe: int) -> None:
    flow, data = build(sampling={"solver": {"type": solver}, "num_intervals": 5}), batch()
    assert flow.restore(data["low"], data["seeds"]).nfe == nfe
    for keys, extra_nfe in (
        ({"fidelity": 0.5}, 1),
        ({"noise_contrast_limit": 0.3}, 1),
        ({"fidelity": 0.5, "noise_contrast_limit": 0.3}, 1),
    ):
        sampling = replace(flow.sampling, **keys)
        assert flow.restore(data["low"], data["seeds"], sampling).nfe == nfe + extra_nfe == flow.nfe(sampling)
    results = flow(data, [{"name": str(i)} for i in range(3)], mode="predict")
    assert [row["nfe"] for row in results] == [nfe] * 3
    assert results[0]["restored"].shape == results[0]["target"].shape


def test_noise_on_the_way_needs_noise_at_the_start() -> None:
    flow = build(coupling={"type": "LowresLatent", "noise": None}, sampling={"solver": {"type": "EulerMaruyama"}})
    data = batch()
    with pytest.raises(ValueError, match="give the coupling noise"):
        flow.restore(data["low"], data["seeds"])


def test_noise_that_fades_everywhere_is_no_reason_to_refuse_an_image() -> None:
    """Whether a start is random is the coupling's: neither the image nor its batch decides."""
    sampling = {"solver": {"type": "EulerMaruyama"}, "noise_contrast_limit": 1e-6}
    flow, data = build(sampling=sampling), batch()
    together = flow.restore(data["low"], data["seeds"]).image
    alone = flow.restore(data["low"][:1], data["seeds"][:1]).image
    assert torch.allclose(together[:1], alone, atol=1e-5)
    with pytest.raises(ValueError, match="noise above 0"):
        flow.restore(data["low"], data["seeds"], replace(flow.sampling, noise=0.0))


def test_frozen_parts_are_no_part_of_the_state(tmp_path) -> None:
    flow = build(loss={"type": "Perceptual", "backbone": "random", "net": "alex"})
    assert all(name.startswith("network.") for name in flow.state_dict())
    assert all(p.requires_grad for p in flow.parameters())
    flow.double()
    assert next(flow._frozen[1].parameters()).dtype == torch.float64  # but they follow it


def test_wrong_keys_name_their_plugin() -> None:
    for keys, message in (
        ({"network": {**NETWORK, "blcks": 1}}, "UNet has no key 'blcks'; did you mean 'blocks'"),
        ({"sampling": {"num_interval": 3}}, "no key 'num_interval'; did you mean 'num_intervals'"),
        ({"coupling": {"type": "LowresLatnt"}}, "unknown coupling 'LowresLatnt'; did you mean 'LowresLatent'"),
        ({"sampling": {"num_intervals": 0}}, "num_intervals must be a positive integer; got 0"),
    ):
        with pytest.raises(ValueError, match=message):
            build(**keys)


def test_modes() -> None:
    flow, data = build(), batch()
    assert flow(data, mode="tensor").shape == data["high"].shape
    with pytest.raises(ValueError, match="unknown mode 'train'"):
        flow(data, mode="train")


class TestPreprocessor:
    """Batches on the device."""

    @staticmethod
    def collated(sizes: list[int], low: bool = False) -> dict:
        inputs = {"high": [torch.full((3, s, s), 255, dtype=torch.uint8) for s in sizes]}
        if low:
            inputs["low"] = [torch.zeros(3, s // 2, s // 2, dtype=torch.uint8) for s in sizes]
        names = {"name": list("abc"[: len(sizes)]), "seed": [1, 2, 3][: len(sizes)], "number": [7, 8, 9][: len(sizes)]}
        return {"inputs": inputs, "data_samples": names}

    def test_degradation_is_made_here_and_depends_on_the_seed_alone(self) -> None:
        noise = {"type": "GaussianNoise", "sigma": (20.0, 20.0)}
        preprocessor = RestorationPreprocessor(degradation=[noise, {"type": "Downscale", "scale": 2}])
        data = preprocessor(self.collated([8, 8, 8]))["inputs"]
        assert data["high"].max() == 1
        assert data["low"].shape == (3, 3, 4, 4)
        alone = self.collated([8])
        alone["data_samples"]["seed"] = [2]
        assert torch.equal(preprocessor(alone)["inputs"]["low"], data["low"][1:2])

    def test_reduced_precision_of_the_network_does_not_reach_the_images(self) -> None:
        preprocessor = RestorationPreprocessor(degradation={"type": "Downscale", "scale": 2})
        exact = preprocessor(self.collated([8]))["inputs"]["low"]
        with torch.autocast("cpu", dtype=torch.bfloat16):
            low = preprocessor(self.collated([8]))["inputs"]["low"]
        assert low.dtype == torch.float32
        assert torch.equal(low, exact)

    def test_pairs_are_taken_as_they_are(self) -> None:
        data = RestorationPreprocessor()(self.collated([8, 8], low=True))["inputs"]
        assert data["low"].abs().max() == 0

    def test_errors(self) -> None:
        data = RestorationPreprocessor()(self.collated([8]))["inputs"]
        assert "low" not in data
        with pytest.raises(ValueError, match="no degradation"):
            build()(data, mode="loss")
        with pytest.raises(ValueError, match="cuts holes, such as MixedMask; GaussianNoise cuts none"):
            RestorationPreprocessor(mask={"type": "GaussianNoise"})
        with pytest.raises(ValueError, match="one size, got 6x6, 8x8: crop them"):
            RestorationPreprocessor(degradation={"type": "Clip"})(self.collated([8, 6]))


def test_a_text_is_no_loss() -> None:
    """What a shell makes of a list of dicts without quotes."""
    flow = build()
    flow.losses = ["{type:MSE}"]
    with pytest.raises(ValueError, match=r"a loss is a dict\(type=\.\.\.\); got '\{type:MSE\}'"):
        flow._check_losses(has_teacher=False)
