"""Every registered condition tells what its equations say, image by image, and nothing where it is dropped."""

import pytest
import torch
from torch import nn

from cfmrestore.conditions import ClassLabel, Condition, ConditionInputs, ConditionStack, Inpaint, LowRes, SemanticMap
from cfmrestore.encoders import Haar
from cfmrestore.ops.rng import ImageRng
from cfmrestore.registry import CONDITIONS
from cfmrestore.typing import Conditioning, Source

CONDITIONS.import_from_location()
ENCODER = Haar(factor=2)
OFFERS = {"latent_channels": ENCODER.channels, "downscale": ENCODER.downscale}
VARIANTS = {
    "ClassLabel": [{"classes": 5, "channels": 16}],
    "LowRes": [{}, {"noise_level": True}, {"context": False, "noise_level": True}],
    "SemanticMap": [{"classes": 3}, {"classes": 3, "learned": False}, {"classes": 3, "frozen": True}],
}
CASES = [(name, keys) for name in sorted(CONDITIONS.module_dict) for keys in VARIANTS.get(name, [{}])]


def inputs(images: slice = slice(None), **changes: torch.Tensor) -> ConditionInputs:
    generator = torch.Generator().manual_seed(0)
    x_0 = torch.randn(4, ENCODER.channels, 8, 8, generator=generator)
    level = torch.rand(4, generator=generator)
    given = {
        "low": torch.rand(4, 3, 16, 16, generator=generator),
        "label": torch.tensor([0, 4, 2, 2]),
        "mask": (torch.rand(4, 1, 16, 16, generator=generator) > 0.5).float(),
        "map": torch.randint(3, (4, 16, 16), generator=generator),
    }
    source = Source(x_0[images], x_0[images], x_0[images], lowres=x_0[images] + 1, noise_level=level[images])
    given = {key: value[images] for key, value in {**given, **changes}.items()}
    return ConditionInputs(source, given, lambda image, stream: ENCODER.encode(image))


def build(name: str, keys: dict) -> Condition:
    torch.manual_seed(0)
    condition: Condition = CONDITIONS.build({"type": name, "dropout": 0.5, **keys}, default_args=OFFERS)
    return condition


def check_shapes(condition: Condition) -> None:
    told, null = condition.embed(inputs()), condition.null(inputs())
    assert told.keys() == null.keys()
    assert all(told[key].shape == null[key].shape for key in told)
    sizes = {
        "context": (4, condition.context_channels, 8, 8),
        "embedding": (4, condition.embedding_channels),
        "noise_level": (4,),
    }
    expected = {key for key, size in sizes.items() if 0 not in size} - (
        set() if condition.noise_level else {"noise_level"}
    )
    assert told.keys() == expected
    assert all(told[key].shape == sizes[key] for key in told)


def check_images_are_independent(condition: Condition) -> None:
    together, alone = condition.embed(inputs()), condition.embed(inputs(slice(1, 2)))
    for key, value in alone.items():
        assert torch.allclose(together[key][1:2], value, atol=1e-6)


def check_null_says_nothing(condition: Condition) -> None:
    """What is given does not show in it, but for the noise level, which is the start's and never dropped."""
    given = inputs()
    other = inputs(
        low=given.given["low"].flip(0), label=given.given["label"].flip(0), mask=given.given["mask"].flip(0),
        map=given.given["map"].flip(0),
    )  # fmt: skip
    here, there = condition.null(given), condition.null(other)
    for key in here.keys() - {"noise_level"}:
        assert torch.equal(here[key], there[key])
        assert not torch.allclose(here[key], condition.embed(given)[key])


def check_all_that_is_given_counts(condition: Condition) -> None:
    """Another value of anything that it needs tells something else."""
    told = condition.embed(inputs())
    for name in condition.needs:
        other = condition.embed(inputs(**{name: inputs().given[name].flip(0)}))
        assert any(not torch.equal(told[key], other[key]) for key in told)


def check_gradients(condition: Condition) -> None:
    """All weights that are to be trained get gradient."""
    weights = [weight for weight in condition.parameters() if weight.requires_grad]
    told = [*condition.embed(inputs()).values(), *condition.null(inputs()).values()]
    if weights:
        sum(value.square().sum() for value in told).backward()
        assert all(weight.grad is not None and bool(weight.grad.any()) for weight in weights)


CHECKS = [check_shapes, check_images_are_independent, check_null_says_nothing, check_all_that_is_given_counts,
          check_gradients]  # fmt: skip


@pytest.mark.parametrize("check", CHECKS)
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
    ],
)
def test_contract_rejects_its_mutants(check, mutant: Condition) -> None:
    with pytest.raises((AssertionError, RuntimeError)):
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
