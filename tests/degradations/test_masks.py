"""The laws of holes."""

import pytest
import torch
from torch import Tensor

from cfmrestore.degradations.masks.bounded import BoundedMask
from cfmrestore.degradations.masks.boxes import BoxMask
from cfmrestore.degradations.masks.convention import check_convention
from cfmrestore.degradations.masks.free_form import FreeFormMask
from cfmrestore.degradations.masks.mask import MaskDegradation
from cfmrestore.degradations.masks.mixed import MixedMask
from cfmrestore.degradations.masks.outpainting import OutpaintMask
from cfmrestore.degradations.masks.strokes import StrokeMask
from cfmrestore.ops.rng import ImageRng
from cfmrestore.typing import Frame, Size


class Halves(BoundedMask):
    """Strokes on at most half of the image."""

    def __init__(self, *, fill: float | str = 0.5) -> None:
        super().__init__(mask=StrokeMask(strokes=(3, 20)), tries=4, fill=fill)


KINDS = [StrokeMask, BoxMask, OutpaintMask, MixedMask, FreeFormMask, Halves]
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
        (BoxMask, {"fill": 2.0}, "fill must be a brightness"),
        (OutpaintMask, {"sides": (1, 5)}, "sides must be two rising numbers from 0 to 4"),
        (OutpaintMask, {"share": (0.2, 0.8)}, "share must be two rising numbers from 0 to 0.5"),
        (MixedMask, {"masks": [{"type": "Clip"}]}, "Clip is none"),
        (BoundedMask, {"mask": {"type": "Clip"}}, "Clip is none"),
        (
            BoundedMask,
            {"mask": {"type": "BoxMask"}, "share": (0.5, 1.2)},
            "share must be two rising numbers from 0 to 1",
        ),
        (BoundedMask, {"mask": {"type": "BoxMask"}, "tries": 0}, "tries must be 1 or more"),
        (FreeFormMask, {"brushes": (-1, 3)}, "brushes must be"),
        (FreeFormMask, {"width": (0, 3)}, "width must be"),
        (BoxMask, {"fill": "green"}, "or one of mean, telea; got 'green'"),
        (MixedMask, {"weights": (1, 1, 1)}, "one weight of 0 or more an operator"),
    ],
)
def test_bad_keys(cls: type, keys: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        cls(**keys)


@pytest.mark.parametrize("fill", ["mean", "telea"])
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_filled_in_leaves_known_pixels(kind: type[MaskDegradation], fill: str) -> None:
    operator = kind(fill=fill)
    for size in SIZES:
        x = torch.rand(4, 3, *size, generator=torch.Generator().manual_seed(0))
        params = operator.draw(x, ImageRng(range(4)))
        y, hole = operator.apply(x, params), operator.mask(size, params).bool().expand_as(x)
        assert torch.equal(y[~hole], x[~hole])
        assert y.isfinite().all()
        assert torch.equal(operator.apply(x[2:3], operator.draw(x[2:3], ImageRng([2]))), y[2:3])


def test_the_mean_color_is_that_of_known_pixels() -> None:
    x = torch.rand(1, 3, 20, 20)
    kind = OutpaintMask(fill="mean")
    params = kind.draw(x, ImageRng([1]))
    y, hole = kind.apply(x, params), kind.mask((20, 20), params)[0, 0].bool()
    assert hole.any()
    assert torch.allclose(
        y[0][:, hole], x[0][:, ~hole].mean(dim=1, keepdim=True).expand(-1, int(hole.sum())), atol=1e-6
    )
    nothing = BoxMask(boxes=(1, 1), side=(9, 9), margin=0, reference_side=None, fill="mean")
    assert (nothing(torch.rand(1, 3, 9, 9), ImageRng([0])) == 0.5).all()


def test_telea_continues_a_ramp_better_than_one_color() -> None:
    ramp = torch.linspace(0, 1, 64).expand(1, 3, 64, 64).contiguous()
    boxes = {"boxes": (1, 1), "side": (20, 20), "reference_side": None}
    telea, mean = (BoxMask(**boxes, fill=fill)(ramp, ImageRng([3])) - ramp for fill in ("telea", "mean"))
    assert telea.abs().sum() < 0.5 * mean.abs().sum()


def test_a_bounded_mask_is_within_its_bounds() -> None:
    wild = {"type": "StrokeMask", "strokes": (0, 30), "width": (5, 60)}
    free = masks_of(StrokeMask(strokes=(0, 30), width=(5, 60)), (64, 64), 25).mean(dim=(1, 2, 3))
    assert (free > 0.5).any()
    for low, high in ((0.0, 0.5), (0.3, 0.6)):
        share = masks_of(BoundedMask(mask=wild, share=(low, high)), (64, 64), 25).mean(dim=(1, 2, 3))
        assert low < share.min() <= share.max() <= high
    never = BoundedMask(mask={"type": "BoxMask", "boxes": (1, 1), "side": (8, 32), "margin": 0, "reference_side": None},
                        share=(0.0, 0.0001), tries=400)  # fmt: skip
    assert masks_of(never, (64, 64), 3).sum(dim=(1, 2, 3)).max() < 400  # the least box of 64 pixels, or nearly


def test_boxes_and_brushes_of_the_free_form() -> None:
    none = {"small_boxes": (0, 0), "large_boxes": (0, 0), "brushes": (0, 0)}
    assert masks_of(FreeFormMask(**none), (64, 64), 5).sum() == 0
    for key, most in (("small_boxes", 0.5), ("large_boxes", 1.0)):
        sides = []
        for mask in masks_of(FreeFormMask(**{**none, key: (1, 1)}), (100, 100), 300):
            hole = mask[0].bool()
            if hole.any():
                (top, height), (left, width) = extent(hole.any(dim=1)), extent(hole.any(dim=0))
                assert int(hole.sum()) == height * width
                sides += [height, width] if 0 < top < 100 - height and 0 < left < 100 - width else []
        assert max(sides) <= 100 * most
        assert max(sides) > 80 * most
    brushed = masks_of(FreeFormMask(**{**none, "brushes": (1, 1)}), (256, 256), 60)
    assert {pieces(mask) for mask in brushed} == {1}
    assert 0.05 < brushed.mean() < 0.4
    thick = masks_of(FreeFormMask(**{**none, "brushes": (1, 1), "width": (47, 47)}), (256, 256), 60)
    assert thick.mean() > brushed.mean()


def rectangle(top: int, bottom: int, left: int, right: int) -> Tensor:
    mask = torch.zeros(100, 100)
    mask[top:bottom, left:right] = 1
    return mask


def circle(radius: float) -> Tensor:
    y, x = torch.meshgrid(torch.arange(100.0), torch.arange(100.0), indexing="ij")
    return ((y - 50) ** 2 + (x - 45) ** 2 < radius**2).float()


@pytest.mark.parametrize(
    "mask",
    [
        circle(20),
        circle(45),
        rectangle(0, 100, 0, 70),
        1 - rectangle(25, 75, 25, 75),  # a photograph amid what is to be painted around it
        1 - rectangle(0, 60, 20, 80),
        (torch.rand(100, 100, generator=torch.Generator().manual_seed(0)) < 0.9).float(),
        torch.zeros(100, 100),
    ],
)
def test_masks_of_the_convention_pass_as_they_are(mask: Tensor) -> None:
    assert torch.equal(check_convention(mask), mask)
    soft = (mask * 0.98 + 0.01).clamp(0, 1)
    assert torch.equal(check_convention(soft), mask)


@pytest.mark.parametrize("law", ["thin", "medium", "thick", "mat"])
def test_masks_of_the_laws_pass_and_most_inverted_ones_that_spare_the_rim_do_not(law: str) -> None:
    from cfmrestore.engine.config import presets

    (kind,) = presets.load_preset("mask_mat" if law == "mat" else f"mask_lama_{law}").degradation.steps
    for mask in masks_of(kind, (128, 128), 15)[:, 0]:
        assert 0 < mask.mean() <= (1 if law == "mat" else 0.5)
        assert torch.equal(check_convention(mask), mask)
        within = mask.clone()
        within[:2], within[-2:], within[:, :2], within[:, -2:] = 0, 0, 0, 0
        if 0.01 < within.mean() < 0.1:
            with pytest.raises(ValueError, match="seems to be inverted"):
                check_convention(1 - within)


@pytest.mark.parametrize("mask", [1 - circle(20), 1 - circle(38), 1 - rectangle(40, 60, 30, 50)])
def test_plainly_inverted_masks_name_the_convention_and_the_flag(mask: Tensor) -> None:
    with pytest.raises(ValueError, match=r"marks \d+% .* inverted: white \(1\) is the hole.* invert it \(--invert\)"):
        check_convention(mask)
    assert torch.equal(check_convention(1 - mask), 1 - mask)


def test_what_is_no_mask() -> None:
    with pytest.raises(ValueError, match=r"\d+% of the mask is gray"):
        check_convention(torch.linspace(0, 1, 100).expand(100, 100))
    with pytest.raises(ValueError, match="marks everything as hole"):
        check_convention(torch.ones(20, 20))
