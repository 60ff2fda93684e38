"""Classifier-free guidance: its weights, one call a step, and what it is at 0 and 1."""

import pytest
import torch

from cfmrestore.flows import CouplingFlow
from cfmrestore.guidance.classifier_free import ClassifierFree, guidance_weights, scales_of
from cfmrestore.registry import MODELS, NETWORKS

CONDITIONS = [
    {"type": "ClassLabel", "classes": 4, "channels": 8, "dropout": 0.2},
    {"type": "SemanticMap", "classes": 3, "dropout": 0.2},
]


@NETWORKS.register_module(force=True)
class Telling(torch.nn.Module):
    """A velocity that depends on all that it is told, and counts its calls."""

    multiple = 1

    def __init__(self, *, channels: int, context_channels: int = 0, embedding_channels: int = 0) -> None:
        super().__init__()
        self.mix = torch.nn.Conv2d(channels + context_channels, channels, 3, padding=1)
        self.shift = torch.nn.Linear(embedding_channels, channels) if embedding_channels else None
        self.batches: list[int] = []

    def forward(self, x, t, context=None, embedding=None):
        self.batches.append(len(x))
        v = self.mix(x if context is None else torch.cat([x, context], dim=1)) * (1 + t[:, None, None, None])
        return v if embedding is None else v + self.shift(embedding)[:, :, None, None]


def flow(conditions: list | None = None, **sampling: object) -> CouplingFlow:
    torch.manual_seed(0)
    return MODELS.build(
        {
            "type": "CouplingFlow",
            "encoder": {"type": "Haar", "factor": 2},
            "coupling": {"type": "Independent"},
            "conditions": CONDITIONS if conditions is None else conditions,
            "network": {"type": "Telling"},
            "sampling": {"num_intervals": 3, **sampling},
            "scale": 1,
        }
    )


SEEDS = torch.tensor([3, 5])
GIVEN = {"label": torch.tensor([1, 2]), "map": torch.arange(2 * 8 * 8).reshape(2, 8, 8) % 3}


def generate(**sampling: object) -> torch.Tensor:
    return flow(**sampling).generate((8, 8), SEEDS, given=GIVEN).latent


def test_the_weights() -> None:
    assert guidance_weights([1.0, 1.0]) == [0, 0, 1]
    assert guidance_weights([0.0, 0.0]) == [1, 0, 0]
    assert guidance_weights([3.0, 3.0]) == [-2, 0, 3]
    assert guidance_weights([2.0, 5.0]) == [-1, -3, 5]
    assert guidance_weights([]) == [1]
    assert sum(guidance_weights([0.3, 7.5, 2.0])) == pytest.approx(1)


def test_one_is_the_condition_and_zero_is_none_bit_for_bit() -> None:
    model = flow()
    null = flow(conditions=[{**one, "dropout": 0.0} for one in CONDITIONS])
    null.load_state_dict(model.state_dict())
    for part in null.conditions.parts:
        part.embed = part.null  # type: ignore[method-assign]
    assert torch.equal(generate(guidance=1.0), model.generate((8, 8), SEEDS, given=GIVEN).latent)
    assert torch.equal(generate(guidance=0.0), null.generate((8, 8), SEEDS, given=GIVEN).latent)
    assert not torch.equal(generate(guidance=0.0), generate(guidance=1.0))


def test_the_equation_and_one_batched_call_a_step() -> None:
    model = flow(num_intervals=1, guidance={"ClassLabel": 2.0, "SemanticMap": 5.0})
    found = model.generate((8, 8), SEEDS, given=GIVEN)
    assert found.nfe == 1
    assert model.network.batches == [6]  # three rows of two images

    def end(guidance: float | dict) -> torch.Tensor:
        return generate(num_intervals=1, guidance=guidance)

    nothing, label, both = end(0.0), end({"ClassLabel": 1.0, "SemanticMap": 0.0}), end(1.0)
    expected = nothing + 2 * (label - nothing) + 5 * (both - label)
    assert torch.allclose(found.latent, expected, atol=1e-4)
    pair = flow(num_intervals=2, guidance=4.0)
    pair.generate((8, 8), SEEDS, given=GIVEN)
    assert pair.network.batches == [4, 4]  # equal scales take two rows


def test_outside_of_the_interval_the_condition_alone_counts() -> None:
    model = flow(num_intervals=4, guidance=3.0, guidance_interval=(0.4, 0.6))
    model.generate((8, 8), SEEDS, given=GIVEN)
    assert model.network.batches == [2, 2, 4, 2]
    assert torch.equal(generate(guidance=3.0, guidance_interval=(0.9, 1.0)), generate(guidance=1.0))


def test_times_of_an_image_each() -> None:
    """Where a solver has a step of its own for each image, each is guided or not by its own time."""
    x, t = torch.ones(2, 1, 1, 1), torch.tensor([0.2, 0.8])
    stacked = lambda x, t: torch.cat([x[:2] * 10, x[2:] * 20])  # noqa: E731
    guided = ClassifierFree(stacked, [-1.0, 2.0], lambda x, t: 5 * x, (0.5, 1.0))
    assert guided(x, t).flatten().tolist() == [5, 30]


def test_images_are_the_same_in_any_batch() -> None:
    model = flow(guidance=2.0)
    together = model.generate((8, 8), SEEDS, given=GIVEN).image
    alone = model.generate((8, 8), SEEDS[1:], given={key: value[1:] for key, value in GIVEN.items()}).image
    assert torch.allclose(together[1:], alone, atol=1e-5)


def test_errors() -> None:
    with pytest.raises(ValueError, match="guidance needs a condition that was dropped in training"):
        flow(conditions=[{**one, "dropout": 0.0} for one in CONDITIONS], guidance=2.0).generate(
            (8, 8), SEEDS, given=GIVEN
        )
    with pytest.raises(ValueError, match="guidance of Class: conditions that were dropped in training are ClassLabel"):
        scales_of({"Class": 2.0}, ["ClassLabel"])
    with pytest.raises(ValueError, match="guidance is a scale of 0 or more"):
        flow(guidance=-1)
    with pytest.raises(ValueError, match="guidance_interval is two times"):
        flow(guidance_interval=(0.5, 0.1))
    with pytest.raises(ValueError, match="the condition ClassLabel needs a label"):
        flow().generate((8, 8), SEEDS, given={"map": GIVEN["map"]})
