"""What the blurs of two axes draw."""

import pytest

from cfmrestore.degradations import GeneralizedBlur, PlateauBlur
from cfmrestore.ops.rng import ImageRng
from cfmrestore.typing import Frame

FRAME = Frame((64, 64), (64, 64))


def test_half_of_the_exponents_lie_on_each_side_of_one() -> None:
    """basicsr's law: half uniform in [low, 1], half in [1, high], also where low is 1."""
    generalized = GeneralizedBlur(beta=(0.5, 4.0)).sample(FRAME, ImageRng(range(6_000))).beta
    assert float((generalized < 1).double().mean()) == pytest.approx(0.5, abs=0.03)
    assert float(generalized.mean()) == pytest.approx((0.75 + 2.5) / 2, abs=0.06)
    plateau = PlateauBlur(beta=(1.0, 2.0)).sample(FRAME, ImageRng(range(6_000))).beta
    assert float((plateau == 1).double().mean()) == pytest.approx(0.5, abs=0.03)
    assert float(plateau.mean()) == pytest.approx(1.25, abs=0.02)
    above = PlateauBlur(beta=(2.0, 4.0)).sample(FRAME, ImageRng(range(6_000))).beta
    assert float(above.mean()) == pytest.approx(3, abs=0.03)
