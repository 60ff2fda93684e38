"""Every registered coupling draws what its equations say."""

import math
from dataclasses import replace

import pytest
import torch

from cfmrestore.contracts.couplings import (
    CONTRACT,
    EXECUTION,
    check_images_are_independent,
    check_law,
    check_shapes,
    images,
)
from cfmrestore.couplings import Coupling, Independent, LowresLatent
from cfmrestore.encoders import Haar, Identity
from cfmrestore.ops.diffusion_schedule import alpha_bar
from cfmrestore.ops.resize import resize
from cfmrestore.ops.rng import ImageRng
from cfmrestore.plugins import ContractError
from cfmrestore.registry import COUPLINGS

COUPLINGS.import_from_location()
CASES = [(name, keys) for name in sorted(COUPLINGS.module_dict) for keys in CONTRACT.cases_of(name)]
IDS = [f"{name}-{'-'.join(map(str, keys.values()))}" for name, keys in CASES]


def build(name: str, keys: dict, encoder=None, scale: int = 2) -> Coupling:
    offers = {"encoder": encoder or Haar(factor=2), "scale": scale}
    coupling: Coupling = COUPLINGS.build({"type": name, **keys}, default_args=offers)
    return coupling


@pytest.mark.parametrize("check", CONTRACT.checks)
@pytest.mark.parametrize(("name", "keys"), CASES, ids=IDS)
def test_contract(name: str, keys: dict, check) -> None:
    check(CONTRACT.make(name, keys))


class WrongSize(Independent):
    """Starts at the size of the input."""

    def source(self, low, rng, execution):
        s = super().source(low, rng, execution)
        return replace(s, x_0=s.x_0[..., ::2, ::2])


class Unseeded(Independent):
    """Draws from the global generator."""

    def source(self, low, rng, execution):
        s = super().source(low, rng, execution)
        return replace(s, x_0=torch.randn_like(s.x_0))


class WrongLaw(LowresLatent):
    """Forgets that the signal shrinks when noise comes in: the law of plain noise around c."""

    def source(self, low, rng, execution):
        s = super().source(low, rng, execution)
        return replace(s, mean=s.lowres)


@pytest.mark.parametrize(
    ("check", "mutant"),
    [(check_shapes, WrongSize), (check_images_are_independent, Unseeded), (check_law, WrongLaw)],
)
def test_contract_rejects_its_mutants(check, mutant: type[Coupling]) -> None:
    with pytest.raises((ContractError, ValueError)):
        check(mutant(encoder=Haar(factor=2), scale=2))


class TestLowresLatent:
    """The coupling of CFM against its equations."""

    def test_fmboost_numbers(self) -> None:
        assert math.isclose(float(alpha_bar("cosine")[400]), 0.6539, abs_tol=5e-5)
        assert math.isclose(float(alpha_bar("linear")[400]), 0.1936, abs_tol=5e-5)
        source = build("LowresLatent", {"noise": 400}).source(images(), ImageRng([1, 2, 3]), EXECUTION)
        assert torch.allclose(source.std, torch.full_like(source.std, 0.5883), atol=5e-5)
        assert torch.allclose(source.mean, 0.8086 * source.lowres, atol=2e-4)

    def test_the_tables_fall_from_one_to_zero(self) -> None:
        for table in ("cosine", "linear"):
            values = alpha_bar(table)
            assert values.shape == (1000,)
            assert (values.diff() < 0).all()
            assert values[0] > 0.999
            assert values[-1] < 1e-4

    def test_context_is_the_clean_latent_of_the_enlarged_input(self) -> None:
        low, encoder = images(), Identity()
        source = build("LowresLatent", {}, encoder).source(low, ImageRng([1, 2, 3]), EXECUTION)
        assert torch.equal(source.lowres, encoder.encode(resize(low, scale=2)))

    def test_without_noise_the_start_is_the_context(self) -> None:
        source = build("LowresLatent", {"noise": None}).source(images(), ImageRng([1, 2, 3]), EXECUTION)
        assert torch.equal(source.x_0, source.lowres)

    def test_a_variance_of_one_is_kept(self) -> None:
        low = torch.randn(8, 3, 32, 32, generator=torch.Generator().manual_seed(0)) / 2 + 0.5
        coupling = build("LowresLatent", {"upsample": "nearest"}, Identity())
        assert abs(float(coupling.source(low, ImageRng(range(8)), EXECUTION).x_0.std()) - 1) < 0.01

    def test_noise_filled_keeps_the_corners(self) -> None:
        coupling = build("LowresLatent", {"upsample": "noise_filled", "noise": None}, Identity())
        low = images()
        source = coupling.source(low, ImageRng([1, 2, 3]), EXECUTION)
        assert torch.equal(source.x_0[..., ::2, ::2], Identity().encode(low))
        assert abs(float(source.x_0[..., 1::2, 1::2].std()) - 1) < 0.1
        assert torch.equal(source.lowres[..., 1::2, 1::2], Identity().encode(low))

    def test_a_range_is_drawn_in_training_and_fixed_in_restoring(self) -> None:
        coupling = build("LowresLatent", {"noise": [100, 500], "restore_noise": 200})
        low = images(1).expand(200, -1, -1, -1)
        drawn = coupling.start(low, ImageRng(range(200)), EXECUTION).noise_level
        limits = (1 - alpha_bar("cosine")[[100, 500]]).sqrt()
        assert limits[0] - 1e-6 <= drawn.min() < drawn.max() <= limits[1] + 1e-6
        assert len(drawn.unique()) > 100
        fixed = coupling.source(low, ImageRng(range(200)), EXECUTION).noise_level
        assert torch.allclose(fixed.double(), (1 - alpha_bar("cosine")[200]).sqrt().expand(200), atol=1e-6)

    @pytest.mark.parametrize(("keys", "needs"), [({}, {"lowres"}), ({"noise": [100, 200]}, {"lowres", "noise_level"})])
    def test_what_the_law_depends_on(self, keys: dict, needs: set) -> None:
        assert build("LowresLatent", keys).law_needs == needs

    @pytest.mark.parametrize("noise", [-1, 1000, [500, 100]])
    def test_bad_steps(self, noise) -> None:
        with pytest.raises(ValueError, match="diffusion step"):
            build("LowresLatent", {"noise": noise})

    @pytest.mark.parametrize("noise", [400, None, [100, 300], [100, 100]])
    def test_a_step_at_test_time_lies_in_the_range_of_training(self, noise) -> None:
        """Another start than was trained with would be wrong, and its law not the one that is said to be known."""
        with pytest.raises(ValueError, match="restore_noise must be a step within the range of noise"):
            build("LowresLatent", {"noise": noise, "restore_noise": 6})
        if isinstance(noise, list):
            assert build("LowresLatent", {"noise": noise, "restore_noise": 100}).restore_noise == 100

    def test_bad_names(self) -> None:
        with pytest.raises(ValueError, match="unknown noise table 'cosin'"):
            build("LowresLatent", {"table": "cosin"})
        with pytest.raises(ValueError, match="unknown upsample 'latnt'"):
            build("LowresLatent", {"upsample": "latnt"}).source(images(), ImageRng([1, 2, 3]), EXECUTION)


def test_sizes_that_do_not_fit_are_named() -> None:
    with pytest.raises(ValueError, match="8x8 at scale 2 does not match a target of 20x20"):
        build("LowresLatent", {}).pair(images(side=20), images(), ImageRng([1, 2, 3]))


def test_what_an_input_must_be_a_multiple_of() -> None:
    assert build("LowresLatent", {}, Haar(factor=8), 4).low_multiple == 2
    assert build("LowresLatent", {}, Haar(factor=4), 4).low_multiple == 1
    assert build("LowresLatent", {}, Haar(factor=4), 3).low_multiple == 4
    assert build("LowresLatent", {"upsample": "latent"}, Haar(factor=4), 4).low_multiple == 4
