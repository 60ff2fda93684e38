"""Every registered condition tells what its equations say, image by image, and nothing where it is dropped."""

import pytest
import torch
from torch import nn

from cfmrestore.conditions import ClassLabel, Condition, ConditionInputs, ConditionStack, Inpaint, LowRes, SemanticMap
from cfmrestore.contracts.conditions import (
    CONTRACT,
    ENCODER,
    OFFERS,
    check_all_that_is_given_counts,
    check_gradients,
    check_images_are_independent,
    check_needs,
    check_null_says_nothing,
    check_shapes,
    inputs,
)
from cfmrestore.ops.rng import ImageRng
from cfmrestore.plugins import ContractError
from cfmrestore.registry import CONDITIONS
from cfmrestore.typing import Conditioning, Source

CONDITIONS.import_from_location()
CASES = [(name, keys) for name in sorted(CONDITIONS.module_dict) for keys in CONTRACT.cases_of(name)]
VARIANTS = CONTRACT.cases


def build(name: str, keys: dict) -> Condition:
    condition: Condition = CONTRACT.make(name, {"dropout": 0.5, **keys})
    return condition


@pytest.mark.parametrize("check", CONTRACT.checks)
@pytest.mark.parametrize(
    ("name", "keys"), CASES, ids=[f"{name}-{len(keys)}-{i}" for i, (name, keys) in enumerate(CASES)]
)
def test_contract(name: str, keys: dict, check) -> None:
    check(build(name, keys))


class WrongSize(LowRes):
    """Promises another number of channels than it tells."""

    def __init__(self, **keys) -> None:
        super().__init__(**OFFERS_OF_LOWRES, **keys)
        self.context_channels += 1


OFFERS_OF_LOWRES = {"latent_channels": ENCODER.channels}


class Batched(ClassLabel):
    """Tells each image something of the whole batch."""

    def embed(self, inputs: ConditionInputs) -> Conditioning:
        told = super().embed(inputs)
        return {key: value - value.mean(0) for key, value in told.items()}


class Leaking(ClassLabel):
    """Adds the class to what stands for none."""

    def null(self, inputs: ConditionInputs) -> Conditioning:
        return {"embedding": super().null(inputs)["embedding"] + super().embed(inputs)["embedding"]}


class Demanding(ClassLabel):
    """Needs what no tool gives."""

    needs = ("label", "depth")


class Forgetful(Inpaint):
    """Takes every pixel for known."""

    def embed(self, inputs: ConditionInputs) -> Conditioning:
        return self._told(inputs, inputs.given["low"], torch.zeros_like(inputs.given["mask"]))


class Untrained(SemanticMap):
    """LFM's defect: the conditioner is run without gradients."""

    def embed(self, inputs: ConditionInputs) -> Conditioning:
        with torch.no_grad():
            return super().embed(inputs)

    null = embed


@pytest.mark.parametrize(
    ("check", "mutant"),
    [
        (check_shapes, WrongSize()),
        (check_images_are_independent, Batched(classes=5, channels=16)),
        (check_null_says_nothing, Leaking(classes=5, channels=16)),
        (check_all_that_is_given_counts, Forgetful(**OFFERS)),
        (check_gradients, Untrained(classes=3, downscale=2)),
        (check_needs, Demanding(classes=5, channels=16)),
    ],
)
def test_contract_rejects_its_mutants(check, mutant: Condition) -> None:
    with pytest.raises((ContractError, RuntimeError)):
        check(mutant)


def test_what_inpainting_tells() -> None:
    condition, batch = build("Inpaint", {}), inputs()
    low, mask = batch.given["low"], batch.given["mask"]
    seen = condition.prepare(low, batch.given)
    assert torch.equal(seen, torch.where(mask == 1, 0.5, low))
    context = condition.embed(inputs(low=seen))["context"]
    assert torch.equal(context[:, : ENCODER.channels], ENCODER.encode(seen))
    whole = nn.functional.pixel_shuffle((context[:, ENCODER.channels :] + 1) / 2, 2)
    assert torch.equal(whole, mask)  # nothing of the mask is lost


class TestStack:
    """Several conditions, one network."""

    @staticmethod
    def stack(dropout: float = 0.5) -> ConditionStack:
        keys = {"LowRes": {"noise_level": True, "dropout": 0.0}, "ClassLabel": VARIANTS["ClassLabel"][0],
                "SemanticMap": {"classes": 3}}  # fmt: skip
        return ConditionStack([build(name, {"dropout": dropout, **own}) for name, own in keys.items()])

    def test_maps_and_vectors_stand_side_by_side(self) -> None:
        stack, batch = self.stack(), inputs()
        told = stack.embed(batch)
        parts = [part.embed(batch) for part in stack.parts]
        assert torch.equal(told["context"], torch.cat([parts[0]["context"], parts[2]["context"]], dim=1))
        assert torch.equal(told["embedding"], parts[1]["embedding"])
        assert told["context"].shape[1] == stack.context_channels
        assert stack.embedding_channels == 16
        assert stack.noise_level
        assert stack.tells == {"lowres", "noise_level"}
        assert stack.droppable == ["ClassLabel", "SemanticMap"]
        zeros = stack.zeros(batch.source.x_0)
        assert {key: value.shape for key, value in zeros.items()} == {key: value.shape for key, value in told.items()}

    def test_dropout_is_each_images_own(self) -> None:
        """Whatever the batch; about as often as was asked for; each condition by itself."""
        stack, batch = self.stack(), inputs()
        told = stack.embed_with_dropout(batch, ImageRng([1, 2, 3, 4]))
        alone = stack.embed_with_dropout(inputs(slice(2, 3)), ImageRng([3]))
        assert all(torch.allclose(told[key][2:3], alone[key], atol=1e-6) for key in told)
        label, null = stack["ClassLabel"].embed(batch)["embedding"], stack["ClassLabel"].null(batch)["embedding"]
        lost = []
        for seed in range(100):
            told = stack.embed_with_dropout(batch, ImageRng(range(4 * seed, 4 * seed + 4)))["embedding"]
            lost += [torch.equal(row, nothing) for row, nothing in zip(told, null, strict=True)]
            assert all(torch.equal(row, null[0]) or torch.equal(row, own) for row, own in zip(told, label, strict=True))
        assert 160 < sum(lost) < 240

    def test_errors(self) -> None:
        bare = inputs()
        without = ConditionInputs(bare.source, {}, bare.encode)
        with pytest.raises(ValueError, match="the condition ClassLabel needs a label, which was not given"):
            self.stack().embed(without)
        with pytest.raises(ValueError, match="noise level is told once"):
            ConditionStack([build("LowRes", {"noise_level": True}) for _ in range(2)])
        with pytest.raises(ValueError, match=r"labels are integers from 0 to 4; got \[5"):
            build("ClassLabel", VARIANTS["ClassLabel"][0]).embed(inputs(label=torch.tensor([5, 1, 1, 1])))
        with pytest.raises(ValueError, match=r"classes from 0 to 2; got up to 9"):
            build("SemanticMap", {"classes": 3}).embed(inputs(map=torch.full((4, 16, 16), 9)))
        with pytest.raises(ValueError, match="dropout is a probability"):
            build("ClassLabel", {"classes": 5, "channels": 16, "dropout": 1.0})
        source = Source(bare.source.x_0, bare.source.mean, bare.source.std)
        with pytest.raises(ValueError, match="and there is no input"):
            build("LowRes", {}).embed(ConditionInputs(source, {}, bare.encode))
