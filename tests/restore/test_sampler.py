"""Drawing pictures: the same whatever the batch, of what was asked for."""

import numpy as np
import pytest
import torch

from cfmrestore.restore.sampler import Sampler
from tests.restore.flows import random_flow, randomize, save_model

LABELS = [{"type": "ClassLabel", "classes": 4, "channels": 8, "dropout": 0.1}]
MAPS = [{"type": "SemanticMap", "classes": 3, "dropout": 0.1}]


def generator(conditions: list | None = None, **keys: object) -> Sampler:
    flow = random_flow(
        coupling={"type": "Independent"}, conditions=LABELS if conditions is None else conditions, scale=1, **keys
    )
    randomize(flow.conditions)
    return Sampler(flow, device="cpu")


def levels(pictures: list) -> np.ndarray:
    return np.stack([np.asarray(one) for one in pictures]).astype(int)


def test_pictures_are_the_same_in_any_batch_and_have_seeds_that_follow() -> None:
    sampler = generator(image_size=8)
    together = levels(sampler(labels=[0, 1, 2, 3, 0], seed=7))
    alone = levels(sampler(labels=[0, 1, 2, 3, 0], seed=7, batch=2))
    assert np.abs(together - alone).max() <= 1
    assert np.abs(levels(sampler(labels=[2], seed=9)) - together[2:3]).max() <= 1
    assert not np.array_equal(together[0], together[4])  # one class, two seeds
    assert together.shape == (5, 8, 8, 3)


def test_what_is_asked_for() -> None:
    sampler = generator(image_size=8)
    assert len(sampler(3, labels=1)) == 3
    assert sampler(labels=[1], size=(6, 10))[0].size == (10, 6)
    strong = levels(sampler(labels=[1], guidance=5.0))
    assert not np.array_equal(strong, levels(sampler(labels=[1])))
    assert not np.array_equal(levels(sampler(labels=[1])), levels(sampler(labels=[2])))
    of_maps = generator(MAPS)
    drawn = of_maps(maps=torch.randint(3, (2, 12, 8)), solver="Heun", num_intervals=1)
    assert drawn[0].size == (8, 12)
    assert len(generator([], image_size=8)(2)) == 2


def test_errors() -> None:
    sampler = generator()
    with pytest.raises(ValueError, match=r"does not say which size .* model.image_size"):
        sampler(labels=[1])
    with pytest.raises(ValueError, match="one label and one map a picture"):
        sampler(3, labels=[1, 2], size=8)
    with pytest.raises(ValueError, match="needs a label"):
        sampler(3, size=8)
    with pytest.raises(ValueError, match="no key 'guidence'; did you mean 'guidance'"):
        sampler(labels=[1], size=8, guidence=2)
    with pytest.raises(ValueError, match="starts at an input, and there is none"):
        Sampler(random_flow(scale=1), device="cpu")(size=8)


def test_from_pretrained(tmp_path) -> None:
    keys = {"coupling": {"type": "Independent"}, "conditions": LABELS, "scale": 1, "image_size": 8}
    file = save_model(tmp_path / "model.pth", **keys)
    sampler = Sampler.from_pretrained(file, device="cpu")
    assert sampler(labels=[1])[0].size == (8, 8)
    assert "conditions.ClassLabel.table.weight" in sampler.flow.state_dict()
