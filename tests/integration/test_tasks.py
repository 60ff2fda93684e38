"""Every task with every network, encoder and solver, by config alone: trains two steps and draws a picture."""

from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from cfmrestore.degradations import Compose, ForwardOperator
from cfmrestore.editing import FlowEdit, RFInversion, boundary_edit, encode, fit_boundary, flow_edit, rf_edit
from cfmrestore.flows import CouplingFlow
from cfmrestore.ops.rng import ImageRng
from cfmrestore.registry import MODELS, SOLVERS

SIDE, COUNT = 16, 2
TASKS: dict[str, dict[str, Any]] = {
    "unconditional": {"coupling": {"type": "Independent"}, "conditions": []},
    "class": {
        "coupling": {"type": "Independent"},
        "conditions": [{"type": "ClassLabel", "classes": 3, "channels": 16, "dropout": 0.5}],
        "sampling": {"guidance": 1.5},
    },
    "inpainting": {
        "coupling": {"type": "Independent"},
        "conditions": [{"type": "Inpaint"}],
        "data_preprocessor": {"type": "RestorationPreprocessor", "mask": {"type": "BoxMask", "boxes": (1, 2)}},
    },
    "semantic": {
        "coupling": {"type": "Independent"},
        "conditions": [{"type": "SemanticMap", "classes": 3, "dropout": 0.5}],
        "sampling": {"guidance": 2.0},
    },
    "super-resolution": {
        "scale": 2,
        "coupling": {"type": "LowresLatent", "noise": 64},
        "data_preprocessor": {"type": "RestorationPreprocessor", "degradation": {"type": "Downscale", "scale": 2}},
    },
}
NETWORKS = {
    "UNet": {"base_channels": 16, "channel_factors": (1, 2), "blocks": 1, "groups": 8, "attention_factors": (2,),
             "heads": 2, "head_dim": 8},
    "DiT": {"width": 16, "depth": 2, "heads": 2, "patch": 2, "input_size": SIDE},
}  # fmt: skip
ENCODERS = ({"type": "Identity"}, {"type": "Haar", "factor": 2})
SOLVERS.import_from_location()
EVERY_SOLVER = sorted(name for name, cls in SOLVERS.module_dict.items() if cls.__module__.startswith("cfmrestore."))
CASES = list(product(TASKS, NETWORKS, ENCODERS, EVERY_SOLVER))
FAST = {case[:3]: EVERY_SOLVER[i % len(EVERY_SOLVER)] for i, case in enumerate(product(TASKS, NETWORKS, range(2)))}


def cases() -> list[Any]:
    """All of them; of each task, network and encoder one solver is not slow."""
    result = []
    for task, network, encoder, solver in CASES:
        quick = FAST[task, network, ENCODERS.index(encoder)] == solver
        marks = () if quick else (pytest.mark.slow,)
        result.append(
            pytest.param(task, network, encoder, solver, marks=marks, id=f"{task}-{network}-{encoder['type']}-{solver}")
        )
    return result


def build(task: str, network: str, encoder: dict[str, Any], solver: str) -> CouplingFlow:
    keys = {"scale": 1, "image_size": SIDE, **TASKS[task]}
    maps = SOLVERS.get(solver).needs_flow_map
    sampling = {"solver": {"type": solver}, "num_intervals": 2, **keys.pop("sampling", {})}
    torch.manual_seed(0)
    flow = MODELS.build(
        {"type": "CouplingFlow", "encoder": encoder, "sampling": sampling,
         "network": {"type": network, "flow_map": maps, **NETWORKS[network]},
         "loss": [{"type": "MSE"}, *([{"type": "Shortcut"}] if maps else [])], **keys}
    )  # fmt: skip
    for parameter in flow.parameters():  # layers that begin at zero hide what is before them
        nn.init.normal_(parameter, std=0.05)
    return flow


def loaded(task: str) -> dict[str, Any]:
    """What a data loader gives: photographs, and what belongs to them."""
    rng = np.random.default_rng(0)
    inputs: dict[str, list[Tensor]] = {
        "high": [torch.from_numpy(rng.integers(0, 256, (3, SIDE, SIDE), dtype=np.uint8)) for _ in range(COUNT)]
    }
    if task == "class":
        inputs["label"] = [torch.tensor(0), torch.tensor(2)]
    if task == "semantic":
        inputs["map"] = [torch.from_numpy(rng.integers(0, 3, (SIDE, SIDE), dtype=np.uint8)) for _ in range(COUNT)]
    samples = {"name": ["a", "b"], "seed": [1, 2], "number": [0, 1]}
    return {"inputs": inputs, "data_samples": samples}


@pytest.mark.parametrize(("task", "network", "encoder", "solver"), cases())
def test_a_task_trains_and_draws(task: str, network: str, encoder: dict[str, Any], solver: str) -> None:
    flow, data = build(task, network, encoder, solver), loaded(task)
    before = {name: value.clone() for name, value in flow.state_dict().items()}
    optimizer = torch.optim.AdamW(flow.parameters(), lr=1e-3, weight_decay=0.0)
    for _ in range(2):
        batch = flow.data_preprocessor(data, True)
        loss = torch.stack([*flow(**batch, mode="loss").values()]).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        assert torch.isfinite(loss)
    still = [name for name, value in flow.state_dict().items() if torch.equal(value, before[name])]
    assert still == []
    result = flow.eval().test_step(data)[0]
    assert result["restored"].shape == (3, SIDE, SIDE)
    assert 0 <= float(result["restored"].min()) < float(result["restored"].max()) <= 1
    assert result["nfe"] == (flow.nfe(flow.sampling) or result["nfe"]) > 0
    if task == "inpainting":
        known = result["mask"][0] == 0
        assert torch.equal(result["restored"][:, known], result["low"][:, known])


USES = {"boundary": "unconditional", "flow-edit": "class", "rf-inversion": "class", "zero-shot": "unconditional"}
"""What a trained flow is used for beyond its task, and the task."""


@pytest.mark.parametrize("encoder", ENCODERS, ids=lambda encoder: encoder["type"])
@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("use", USES)
def test_a_use_changes_the_picture(use: str, network: str, encoder: dict[str, Any]) -> None:
    flow, seeds = build(USES[use], network, encoder, "Heun").eval(), torch.tensor([1, 2])
    image = torch.rand(2, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    source, target = {"label": torch.tensor([0, 0])}, {"label": torch.tensor([1, 2])}
    if use == "boundary":
        bright = torch.tensor([True, False] * 16)
        images = 0.5 * torch.rand(32, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(1))
        points = encode(flow, images + 0.5 * bright[:, None, None, None], [0.5]).points[0.5]
        boundary = fit_boundary(points, bright, attribute="bright", time=0.5)
        (done,) = boundary_edit(flow, image, seeds, [boundary], [2.0]).edits
        assert done.image.mean() > image.mean()
    elif use == "zero-shot":
        chain = Compose(steps=[{"type": "Downscale", "scale": 2}])
        params = chain.draw(image, ImageRng([1, 2]))
        done = flow.solve(
            chain.apply(image, params), ForwardOperator.of(chain, params), seeds, {"type": "Flower", "steps": 2},
            size=(SIDE, SIDE),
        )  # fmt: skip
    else:
        edit, settings = (flow_edit, FlowEdit(steps=2)) if use == "flow-edit" else (rf_edit, RFInversion(steps=2))
        done = edit(flow, image, seeds, source, target, settings)
    assert done.image.shape == image.shape
    assert done.nfe > 0
    assert bool(done.image.isfinite().all())
    assert not torch.equal(done.image, image)


def test_every_combination_has_a_quick_one() -> None:
    assert len(FAST) == len(TASKS) * len(NETWORKS) * len(ENCODERS)
    assert set(FAST.values()) == set(EVERY_SOLVER)
