"""Contract of conditions: they tell what they declare, image by image, and nothing where they are dropped."""

import torch
from torch import Tensor

from cfmrestore.conditions.base import Condition, ConditionInputs
from cfmrestore.contracts.base import Contract, close, require
from cfmrestore.encoders.haar import Haar
from cfmrestore.registry import CONDITIONS
from cfmrestore.typing import Source

ENCODER = Haar(factor=2)
OFFERS = {"latent_channels": ENCODER.channels, "downscale": ENCODER.downscale}
GIVEN = ("low", "label", "mask", "map")


def inputs(images: slice = slice(None), classes: int = 3, /, **changes: Tensor) -> ConditionInputs:
    """What is known of some of four images, or of these with something else."""
    generator = torch.Generator().manual_seed(0)
    x_0 = torch.randn(4, ENCODER.channels, 8, 8, generator=generator)
    level = torch.rand(4, generator=generator)
    given = {
        "low": torch.rand(4, 3, 16, 16, generator=generator),
        "label": torch.tensor([0, classes - 1, 1, 1]),
        "mask": (torch.rand(4, 1, 16, 16, generator=generator) > 0.5).float(),
        "map": torch.randint(classes, (4, 16, 16), generator=generator),
    }
    source = Source(x_0[images], x_0[images], x_0[images], lowres=x_0[images] + 1, noise_level=level[images])
    given = {key: value[images] for key, value in {**given, **changes}.items()}
    return ConditionInputs(source, given, lambda image, stream: ENCODER.encode(image))


def inputs_of(condition: Condition, images: slice = slice(None), /, **changes: Tensor) -> ConditionInputs:
    """Inputs of as many classes as the condition has."""
    return inputs(images, int(getattr(condition, "classes", 3)), **changes)


def check_needs(condition: Condition) -> None:
    """It needs nothing but low, label, mask and map, which data and tools give."""
    other = sorted(set(condition.needs) - set(GIVEN))
    require(not other, f"it needs {' and '.join(other)}, which nothing gives: needs is of {', '.join(GIVEN)}")


def check_shapes(condition: Condition) -> None:
    """embed and null tell the declared context, embedding and noise level, and no more."""
    given = inputs_of(condition)
    sizes = {
        "context": (4, condition.context_channels, 8, 8),
        "embedding": (4, condition.embedding_channels),
        "noise_level": (4,) if condition.noise_level else (0,),
    }
    promised = {key: size for key, size in sizes.items() if 0 not in size}
    for method in ("embed", "null"):
        found = {key: tuple(value.shape) for key, value in getattr(condition, method)(given).items()}
        require(
            found == promised,
            f"{method} tells {found}, and context_channels, embedding_channels and noise_level say {promised}",
        )


def check_images_are_independent(condition: Condition) -> None:
    """What is told of an image does not depend on its batch."""
    together, alone = condition.embed(inputs_of(condition)), condition.embed(inputs_of(condition, slice(1, 2)))
    for key, value in alone.items():
        require(close(together[key][1:2], value, atol=1e-6), f"the {key} of an image depends on its batch")


def check_null_says_nothing(condition: Condition) -> None:
    """What is given does not show in null, but for the noise level, which is the start's."""
    given = inputs_of(condition)
    flipped = {name: given.given[name].flip(0) for name in GIVEN}
    here, there = condition.null(given), condition.null(inputs_of(condition, **flipped))
    for key in here.keys() - {"noise_level"}:
        require(torch.equal(here[key], there[key]), f"null depends on what is given ({key})")
        told = condition.embed(given)[key]
        require(not torch.allclose(here[key], told), f"null says what embed says ({key}): guidance has nothing to add")


def check_all_that_is_given_counts(condition: Condition) -> str | None:
    """Another value of anything that it needs tells something else."""
    if not condition.needs:
        return "it needs nothing beside the start"
    told = condition.embed(inputs_of(condition))
    for name in condition.needs:
        other = condition.embed(inputs_of(condition, **{name: inputs_of(condition).given[name].flip(0)}))
        require(any(not torch.equal(told[key], other[key]) for key in told), f"another {name} tells the same")
    return None


def check_gradients(condition: Condition) -> str | None:
    """All weights that are to be trained get a gradient."""
    weights = {name: weight for name, weight in condition.named_parameters() if weight.requires_grad}
    if not weights:
        return "it has no weights to train"
    told = [*condition.embed(inputs_of(condition)).values(), *condition.null(inputs_of(condition)).values()]
    torch.stack([value.square().sum() for value in told]).sum().backward()
    missed = [name for name, weight in weights.items() if weight.grad is None or not weight.grad.any()]
    require(not missed, f"no gradient reaches {', '.join(missed)}")
    return None


CONTRACT = Contract(
    CONDITIONS,
    Condition,
    (
        check_needs, check_shapes, check_images_are_independent, check_null_says_nothing,
        check_all_that_is_given_counts, check_gradients,
    ),
    offers=lambda: dict(OFFERS),
    cases={
        "ClassLabel": [{"classes": 5, "channels": 16, "dropout": 0.5}],
        "LowRes": [
            {"dropout": 0.5},
            {"noise_level": True, "dropout": 0.5},
            {"context": False, "noise_level": True, "dropout": 0.5},
        ],
        "SemanticMap": [
            {"classes": 3, "dropout": 0.5},
            {"classes": 3, "learned": False, "dropout": 0.5},
            {"classes": 3, "frozen": True, "dropout": 0.5},
        ],
        "Inpaint": [{"dropout": 0.5}],
    },
)  # fmt: skip
