"""The laws of holes."""

import pytest
import torch
from torch import Tensor

from cfmrestore.degradations.masks.boxes import BoxMask
from cfmrestore.degradations.masks.mask import MaskDegradation
from cfmrestore.degradations.masks.mixed import MixedMask
from cfmrestore.degradations.masks.outpainting import OutpaintMask
from cfmrestore.degradations.masks.strokes import StrokeMask
from cfmrestore.ops.rng import ImageRng
from cfmrestore.typing import Frame, Size

KINDS = [StrokeMask, BoxMask, OutpaintMask, MixedMask]
SIZES = [(64, 96), (17, 9), (1, 40), (1, 1)]


def masks_of(kind: MaskDegradation, size: Size, count: int) -> Tensor:
    return kind.mask(size, kind.sample(Frame(size, size), ImageRng(range(count))))


def check_known_pixels(kind: MaskDegradation) -> None:
    for size in SIZES:
        x = torch.rand(8, 3, *size, generator=torch.Generator().manual_seed(0))
        params = kind.draw(x, ImageRng(range(8)))
        y, mask = kind.apply(x, params), kind.mask(size, params)
        assert mask.unique().tolist() in ([0], [1], [0, 1])
        hole = mask.bool().expand_as(x)
        assert torch.equal(y[~hole], x[~hole])
        assert (y[hole] == kind.fill).all()


@pytest.mark.parametrize("fill", [0.0, 0.5, 0.7])
@pytest.mark.parametrize("kind", KINDS)
def test_known_pixels_stay_bit_for_bit_and_holes_are_filled(kind: type[MaskDegradation], fill: float) -> None:
    check_known_pixels(kind(fill=fill))


class Inverted(BoxMask):
    """Takes the holes for what is known."""

    def apply(self, image, params):
        mask = self.mask((image.shape[-2], image.shape[-1]), params).to(image)
        return image * mask + self.fill * (1 - mask)


class Soft(BoxMask):
    """Holes with soft edges touch known pixels."""

    def apply(self, image, params):
        return torch.lerp(image, super().apply(image, params), 0.999)


@pytest.mark.parametrize("mutant", [Inverted, Soft])
def test_the_check_of_known_pixels_rejects_its_mutants(mutant: type[MaskDegradation]) -> None:
    with pytest.raises(AssertionError):
        check_known_pixels(mutant())


def pieces(mask: Tensor) -> int:
    """How many holes are not connected."""
    import cv2

    return cv2.connectedComponents(mask[0].byte().numpy())[0] - 1


@pytest.mark.parametrize("kind", [StrokeMask(), BoxMask(), MixedMask()])
def test_some_images_have_no_hole_and_most_have(kind: MaskDegradation) -> None:
    share = masks_of(kind, (128, 128), 150).mean(dim=(1, 2, 3))
    assert (share == 0).any()
    assert (share > 0).float().mean() > 0.6
    assert share.max() < 0.9


def test_strokes_are_as_many_as_told() -> None:
    assert masks_of(StrokeMask(strokes=(0, 0)), (64, 64), 5).sum() == 0
    thin = {"segments": (1, 1), "length": (3, 3), "width": (1, 1), "reference_side": None}
    counts = [pieces(mask) for mask in masks_of(StrokeMask(strokes=(4, 4), **thin), (512, 512), 40)]
    assert max(counts) == 4
    assert sum(counts) / 40 > 3.8


@pytest.mark.parametrize("width", [5, 12, 24])
def test_a_stroke_is_a_line_of_its_length_and_width_with_round_ends(width: int) -> None:
    keys = {"strokes": (1, 1), "segments": (1, 1), "angle": (0, 0), "reference_side": None}
    mask = masks_of(StrokeMask(**keys, length=(60, 60), width=(width, width)), (512, 512), 12)
    inside = [m[0] for m in mask if not (m[0, [0, -1]].any() or m[0, :, [0, -1]].any())]
    assert len(inside) >= 6
    for hole in inside:
        rows, columns = hole.sum(dim=1), hole.any(dim=0).sum()
        assert width <= columns <= width + 2
        assert width <= (rows > 0).sum() - 60 <= width + 2
        first = int(rows.nonzero()[0])
        assert rows[first] < 0.8 * rows.max()
        assert rows[first + width] == rows.max()


def test_lines_of_a_stroke_hang_together() -> None:
    kind = StrokeMask(strokes=(1, 1), segments=(5, 5), width=(5, 5))
    assert {pieces(mask) for mask in masks_of(kind, (256, 256), 20)} == {1}


def test_a_line_begins_where_the_last_one_ended() -> None:
    keys = {"strokes": (1, 1), "segments": (3, 3), "angle": (0, 0), "length": (40, 40), "width": (5, 5)}
    holes = masks_of(StrokeMask(**keys, reference_side=None), (512, 512), 20)[:, 0].amax(dim=2)
    heights = [int(hole.sum()) for hole in holes if not (hole[0] or hole[-1])]
    assert len(heights) >= 6
    assert {125 <= height <= 127 for height in heights} == {True}


def test_every_other_stroke_turns_the_other_way() -> None:
    keys = {"segments": (1, 1), "angle": (1, 1), "length": (60, 60), "width": (1, 1), "reference_side": None}

    def falling(strokes: int) -> list[bool]:
        """Whether going down is going right, for each connected hole of some images."""
        import cv2

        result = []
        for mask in masks_of(StrokeMask(strokes=(strokes, strokes), **keys), (900, 900), 10):
            count, labels = cv2.connectedComponents(mask[0].byte().numpy())
            places = [torch.from_numpy(labels == label).nonzero().T.double() for label in range(1, count)]
            result += [bool(torch.corrcoef(place)[0, 1] > 0) for place in places if place.shape[1] > 20]
        return result

    assert set(falling(1)) == {False}
    both = falling(2)
    assert 0.3 < sum(both) / len(both) < 0.7


@pytest.mark.parametrize("kind", [StrokeMask, BoxMask])
def test_lengths_grow_with_the_image_unless_told_not_to(kind: type[MaskDegradation]) -> None:
    count = 150
    small, large = (masks_of(kind(), (side, side), count).mean() for side in (128, 512))
    assert small == pytest.approx(float(large), rel=0.25)
    small, large = (masks_of(kind(reference_side=None), (side, side), count).sum() for side in (256, 512))
    assert small == pytest.approx(float(large), rel=0.25)


def extent(present: Tensor) -> tuple[int, int]:
    """First place, and how many."""
    places = present.nonzero().flatten()
    assert len(places) == places[-1] - places[0] + 1
    return int(places[0]), len(places)


def test_a_box_is_a_rectangle_of_its_sides_within_the_margin() -> None:
    sides = set()
    for mask in masks_of(BoxMask(boxes=(1, 1)), (256, 300), 300):
        hole = mask[0].bool()
        (top, height), (left, width) = extent(hole.any(dim=1)), extent(hole.any(dim=0))
        assert int(hole.sum()) == height * width
        assert top >= 10
        assert left >= 10
        assert top + height <= 246
        assert left + width <= 290
        sides |= {height, width}
    assert min(sides) == 30
    assert max(sides) == 100


def test_boxes_are_as_many_as_told_and_both_ends_are_drawn() -> None:
    tiny = BoxMask(side=(1, 1), margin=0, reference_side=None)
    counts = masks_of(tiny, (512, 512), 400).sum(dim=(1, 2, 3))
    assert counts.unique().tolist() == [0, 1, 2, 3]
    for count in range(4):
        assert (counts == count).float().mean() == pytest.approx(0.25, abs=0.09)


def test_a_box_shrinks_until_it_fits() -> None:
    kind = BoxMask(boxes=(1, 1), reference_side=None)
    mask = masks_of(kind, (24, 40), 20)
    assert mask[:, :, 10:14].sum() == mask.sum()
    assert (mask.sum(dim=(1, 2, 3)) == 4 * 20).all()
    assert (masks_of(kind, (1, 1), 3) == 1).all()


@pytest.mark.parametrize("sides", range(5))
def test_outpainting_cuts_that_many_sides_by_the_share(sides: int) -> None:
    found = set()
    for mask in masks_of(OutpaintMask(sides=(sides, sides), share=(0.2, 0.2)), (50, 100), 60):
        known = mask[0] == 0
        (top, height), (left, width) = extent(known.any(dim=1)), extent(known.any(dim=0))
        assert int(known.sum()) == height * width
        cut = (top, 50 - top - height, left, 100 - left - width)
        assert [c for c in cut if c] == [full for c, full in zip(cut, (10, 10, 20, 20), strict=True) if c]
        assert sum(c > 0 for c in cut) == sides
        found.add(tuple(c > 0 for c in cut))
    assert len(found) == [1, 4, 6, 4, 1][sides]


def test_outpainting_keeps_something() -> None:
    kind = OutpaintMask(sides=(4, 4), share=(0.5, 0.5))
    for size in SIZES:
        assert ((masks_of(kind, size, 4) == 0).sum(dim=(1, 2, 3)) > 0).all()


def test_the_mixed_law_has_both_kinds_in_the_shares_of_their_weights() -> None:
    size = (64, 64)
    all_known, all_hole = BoxMask(boxes=(0, 0)), BoxMask(boxes=(1, 1), side=(64, 64), margin=0, reference_side=None)
    for weights, expected in ((None, 0.5), ((1, 3), 0.75), ((1, 0), 0.0)):
        kind = MixedMask(masks=[all_known, all_hole], weights=weights)
        share = masks_of(kind, size, 300).mean(dim=(1, 2, 3))
        assert set(share.tolist()) <= {0.0, 1.0}
        assert share.mean() == pytest.approx(expected, abs=0.1)


def test_images_of_a_mixed_batch_get_their_own_masks() -> None:
    size = (64, 64)
    kind = MixedMask()
    together = masks_of(kind, size, 12)
    params = kind.sample(Frame(size, size), ImageRng(range(12)))
    assert {group.operator for group in params.groups} == {0, 1}
    assert {type(part) for part, _ in kind.parts(params)} == {StrokeMask, BoxMask}
    for i in range(12):
        alone = kind.mask(size, kind.sample(Frame(size, size), ImageRng([i])))
        assert torch.equal(alone[0], together[i])


@pytest.mark.parametrize(
    ("cls", "keys", "message"),
    [
        (StrokeMask, {"strokes": (3, 1)}, "strokes must be two rising numbers"),
        (StrokeMask, {"segments": (0, 3)}, "segments must be two rising numbers from 1"),
        (StrokeMask, {"angle": (-1, 3)}, "angle must be"),
        (StrokeMask, {"length": (-5, 3)}, "length must be"),
        (StrokeMask, {"width": (0, 3)}, "width must be two rising numbers from 1"),
        (StrokeMask, {"reference_side": 0}, "reference_side must be 1 or more, or None"),
        (BoxMask, {"boxes": (-1, 3)}, "boxes must be"),
        (BoxMask, {"side": (0, 3)}, "side must be"),
        (BoxMask, {"margin": -1}, "margin must be a whole number of 0 pixels"),
        (BoxMask, {"fill": 2.0}, "fill must be a number from 0 to 1"),
        (OutpaintMask, {"sides": (1, 5)}, "sides must be two rising numbers from 0 to 4"),
        (OutpaintMask, {"share": (0.2, 0.8)}, "share must be two rising numbers from 0 to 0.5"),
        (MixedMask, {"masks": [{"type": "Clip"}]}, "Clip is none"),
        (MixedMask, {"weights": (1, 1, 1)}, "one weight of 0 or more an operator"),
    ],
)
def test_bad_keys(cls: type, keys: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        cls(**keys)
