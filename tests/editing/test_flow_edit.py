"""FlowEdit: on Gaussians what its equations say; nothing where nothing is to be edited; its cost."""

import pytest
import torch
from torch import Tensor

from cfmrestore.editing import FlowEdit, flow_edit
from cfmrestore.flows import CouplingFlow
from cfmrestore.ops.rng import ImageRng
from tests.editing.gaussians import LAWS, class_pixels, gaussian_flow, labels, random_flow, slope

SEEDS = torch.tensor([3, 8])


def image(side: int = 8, count: int = 2) -> Tensor:
    return 0.3 + 0.4 * torch.rand(count, 3, side, side, generator=torch.Generator().manual_seed(1))


def recursion(settings: FlowEdit) -> tuple[float, float, float]:
    r"""What Euler's steps make of :math:`z - x = a + b x + \sqrt{c}\, \epsilon` on Gaussians.

    With :math:`x_t = (1 - t) \epsilon + t x` the step is

    .. math:: d \leftarrow d (1 + h k_b) + h [(m_b - m_a) - k_b t m_b + k_a t m_a + (k_b - k_a)(t x + (1 - t) \epsilon)]
    """
    (m_a, s_a), (m_b, s_b) = LAWS
    grid = torch.linspace(0, 1, settings.steps + 1, dtype=torch.float64)[-1 - settings.walked :]
    a = b = c = 0.0
    for t, h in zip(grid[:-1], grid.diff(), strict=True):
        k_a, k_b = float(slope(t, s_a)), float(slope(t, s_b))
        t, h = float(t), float(h)
        a = a * (1 + h * k_b) + h * (m_b - m_a - k_b * t * m_b + k_a * t * m_a)
        b = b * (1 + h * k_b) + h * (k_b - k_a) * t
        c = c * (1 + h * k_b) ** 2 + (h * (k_b - k_a) * (1 - t)) ** 2 / settings.n_avg
    return a, b, c


@pytest.mark.parametrize(
    "settings",
    [FlowEdit(steps=12, n_max=12), FlowEdit(steps=12, n_max=9), FlowEdit(steps=12, n_max=12, n_avg=3)],
    ids=["all", "most", "averaged"],
)
def test_gaussians_move_as_the_equations_say(settings: FlowEdit) -> None:
    pixels = class_pixels(0)
    x, z = 2 * pixels - 1, flow_edit(gaussian_flow(), pixels, SEEDS, labels(0), labels(1), settings).latent
    a, b, c = recursion(settings)
    rest = (z - x - b * x).double()
    assert float(rest.mean()) == pytest.approx(a, abs=1e-3)
    assert float(rest.var()) == pytest.approx(c, rel=0.02)
    assert abs(float((rest * (x - x.mean())).mean())) < 1e-3  # no more of x is in it
    assert float(z.var()) == pytest.approx((1 + b) ** 2 * LAWS[0][1] ** 2 + c, rel=0.02)


def test_the_mean_is_transported_exactly_by_any_number_of_steps() -> None:
    """From t = 0 on the straight path E[z - x] = t (m_b - m_a) at every step of Euler's."""
    for steps in (1, 4, 40):
        a, b, _ = recursion(FlowEdit(steps=steps, n_max=steps))
        assert a + (1 + b) * LAWS[0][0] == pytest.approx(LAWS[1][0], abs=1e-12)
    pixels = class_pixels(0)
    z = flow_edit(gaussian_flow(), pixels, SEEDS, labels(0), labels(1), FlowEdit(steps=4, n_max=4)).latent
    off = (2 * pixels - 1).mean() - LAWS[0][0]  # of this draw
    assert float(z.mean() - (1 + recursion(FlowEdit(steps=4, n_max=4))[1]) * off) == pytest.approx(LAWS[1][0], abs=1e-3)
    less = flow_edit(gaussian_flow(), pixels, SEEDS, labels(0), labels(1), FlowEdit(steps=4, n_max=2)).latent
    assert abs(float(less.mean()) - LAWS[1][0]) > 0.02


def test_the_last_steps_sample_the_target() -> None:
    """All steps by the target alone are a sample of it, whatever the image."""
    settings = FlowEdit(steps=64, n_max=64, n_min=64)
    z = flow_edit(gaussian_flow(), class_pixels(0), SEEDS, labels(0), labels(1), settings).latent
    drawn = gaussian_flow(sampling={"num_intervals": 64}).generate((128, 128), SEEDS, given=labels(1)).latent
    assert float(z.mean()) == pytest.approx(float(drawn.mean()), abs=2e-3)
    assert float(z.std()) == pytest.approx(float(drawn.std()), abs=2e-3)
    assert abs(float(torch.corrcoef(torch.stack([z.flatten(), class_pixels(0).flatten()]))[0, 1])) < 0.01


@pytest.mark.parametrize("guidance", [1.0, 2.5])
@pytest.mark.parametrize("count", [1, 2, 5])
def test_equal_conditions_leave_the_image_bit_for_bit(guidance: float, count: int) -> None:
    flow, seeds = random_flow(), torch.arange(count)
    settings = FlowEdit(steps=5, source_guidance=guidance, target_guidance=guidance, n_avg=2)
    done = flow_edit(flow, image(count=count), seeds, labels(1, count), labels(1, count), settings)
    assert torch.equal(done.latent, flow.encoder.encode(image(count=count), ImageRng(seeds)))
    assert torch.equal(done.image, flow.reconstruct(image(count=count), seeds))
    stronger = FlowEdit(steps=5, source_guidance=guidance, target_guidance=2 * guidance)
    assert not torch.allclose(
        flow_edit(flow, image(count=count), seeds, labels(1, count), labels(1, count), stronger).image, done.image
    )


def test_images_of_a_batch_are_edited_each_for_itself() -> None:
    """Also one that stays, beside one that is edited; the noise follows the seed alone."""
    flow, settings = random_flow(), FlowEdit(steps=4, source_guidance=1.5, target_guidance=2.0)
    alike = FlowEdit(steps=4)
    target = {"label": torch.tensor([1, 2])}
    both = flow_edit(flow, image(), SEEDS, labels(1), target, settings)
    for index in range(2):
        one = slice(index, index + 1)
        told = {"label": target["label"][one]}
        alone = flow_edit(flow, image()[one], SEEDS[one], labels(1, 1), told, settings)
        assert torch.allclose(both.latent[one], alone.latent, atol=1e-5)
    kept = flow_edit(flow, image(), SEEDS, labels(1), target, alike)
    latent = flow.encoder.encode(image(), ImageRng(SEEDS))
    assert torch.equal(kept.latent[0], latent[0])
    assert not torch.allclose(kept.latent[1], latent[1], atol=1e-3)
    other = flow_edit(flow, image(), SEEDS + 1, labels(1), target, alike)
    assert not torch.allclose(kept.latent[1], other.latent[1], atol=1e-4)


@pytest.mark.parametrize(
    ("settings", "calls"),
    [
        (FlowEdit(steps=7), [4] * 6),
        (FlowEdit(steps=7, n_max=3, target_guidance=2.0), [6] * 3),
        (FlowEdit(steps=7, n_max=3, source_guidance=2.0, target_guidance=3.0, n_avg=2), [16] * 3),
        (FlowEdit(steps=7, n_max=4, n_min=1, target_guidance=3.0), [6] * 3 + [4]),
    ],
)
def test_each_step_is_one_call_and_all_are_counted(settings: FlowEdit, calls: list[int]) -> None:
    flow = gaussian_flow()
    done = flow_edit(flow, image(), SEEDS, labels(0), labels(1), settings)
    assert flow.network.calls == calls
    assert done.nfe == len(calls)
    assert done.rows == sum(calls) // 2


def test_maps_of_any_size_are_edited() -> None:
    flow = random_flow(conditions=[{"type": "SemanticMap", "classes": 3, "dropout": 0.1}])
    picture = torch.rand(1, 3, 7, 5)
    one, other = ({"map": torch.full((1, 7, 5), label)} for label in (0, 2))
    done = flow_edit(flow, picture, SEEDS[:1], one, other, FlowEdit(steps=3, target_guidance=1.5))
    assert done.image.shape == picture.shape
    assert not torch.allclose(done.image, picture, atol=1e-2)


def coupled(**keys: object) -> CouplingFlow:
    told = [{"type": "LowRes"}, {"type": "ClassLabel", "classes": 3, "channels": 32}]
    return random_flow(coupling={"type": "LowresLatent", "noise": 400}, scale=2, conditions=told, **keys)


def test_the_noise_of_a_coupled_flow_is_of_the_law_of_its_source(monkeypatch: pytest.MonkeyPatch) -> None:
    flow, low, seen = coupled(), image(16), []
    forward = flow.network.forward

    def watched(x: Tensor, t: Tensor, **told: Tensor) -> Tensor:
        seen.append((x[:2], float(t[0])))
        return forward(x, t, **told)

    monkeypatch.setattr(flow.network, "forward", watched)
    high = image(32)
    flow_edit(flow, high, SEEDS, {"low": low, **labels(0)}, labels(2), FlowEdit(steps=40, n_max=40))
    ends = flow.pipeline().ends(high, SEEDS, {"low": low, **labels(0)})
    noise = torch.stack([(x - t * ends.x_1) / (1 - t) - ends.source.mean for x, t in seen]) / ends.source.std
    assert float(noise.mean()) == pytest.approx(0, abs=0.01)
    assert float(noise.std()) == pytest.approx(1, abs=0.01)
    assert float(ends.source.mean.std()) > 0.1
    assert float(torch.corrcoef(noise[:2, 0].flatten(1))[0, 1].abs()) < 0.05  # anew at each step


def test_what_is_wrong_is_said() -> None:
    with pytest.raises(ValueError, match=r"paths of LowresLatent start at an input: give it .* as \"low\""):
        flow_edit(coupled(), image(16), SEEDS, labels(0), labels(1))
    with pytest.raises(ValueError, match="both sides of an edit have one low"):
        flow_edit(coupled(), image(16), SEEDS, {"low": image(8), **labels(0)}, {"low": image(8), **labels(1)})
    with pytest.raises(ValueError, match="needs 0 <= n_min <= n_max <= steps"):
        FlowEdit(steps=4, n_max=5)
    with pytest.raises(ValueError, match="needs a label"):
        flow_edit(random_flow(), image(), SEEDS, {}, {})
