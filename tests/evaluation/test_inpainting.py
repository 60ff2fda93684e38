"""Metrics of holes, against cases whose answer is known."""

import math

import pytest
import torch

from cfmrestore.evaluation.metrics import HolePSNR, RimGradient
from cfmrestore.evaluation.metrics.base import views


def sample(offset: float = 0.0) -> dict:
    generator = torch.Generator().manual_seed(0)
    target = (torch.rand(3, 160, 160, generator=generator) * 200).round() / 255
    mask = torch.zeros(1, 160, 160)
    mask[:, 30:130, 20:140] = 1
    return {
        "name": "a", "target": target, "mask": mask, "low": target * (1 - mask) + 0.5 * mask,
        "restored": target + offset * mask,
    }  # fmt: skip


def test_psnr_of_the_hole_alone() -> None:
    data = sample(20 / 255)
    assert HolePSNR().measure(data["restored"], data["target"], data) == pytest.approx(-20 * math.log10(20 / 255))
    data["restored"] = data["target"] + 0.5 * (1 - data["mask"])  # what is known does not count
    assert HolePSNR().measure(data["restored"], data["target"], data) == math.inf


def test_the_rows_without_a_model() -> None:
    rows = views(sample())
    assert list(rows) == ["restored", "telea", "mean color"]
    known = sample()["mask"] == 0
    for image in rows.values():
        assert torch.allclose(image[:, known[0]], sample()["target"][:, known[0]], atol=1e-6)


def test_a_border_shows_in_its_gradient() -> None:
    """Of noise without a border the ratio is 1; an offset in the hole adds to the steps across the rim alone."""
    rim = RimGradient()
    clean, step = sample(), sample(0.2)
    assert rim.measure(clean["restored"], None, clean) == pytest.approx(1, abs=0.1)
    assert rim.measure(step["restored"], None, step) > 1.1
    flat = {**clean, "restored": clean["restored"] * (1 - clean["mask"]) + 0.4 * clean["mask"]}
    assert rim.measure(flat["restored"], None, flat) > 1.2  # smooth holes in a texture show
    ramp = torch.linspace(0, 1, 160).expand(3, 160, 160)
    assert rim.measure((ramp * 255).round() / 255, None, clean) == pytest.approx(1, abs=0.15)


def test_without_a_mask() -> None:
    data = {key: value for key, value in sample().items() if key != "mask"}
    for metric in (HolePSNR(), RimGradient()):
        with pytest.raises(ValueError, match="'a' has no mask"):
            metric.measure(data["restored"], data["target"], data)
