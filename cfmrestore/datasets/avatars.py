"""Drawn portraits whose attributes are known exactly: as many as are asked for."""

from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np

from cfmrestore.datasets.base import ImageDataset
from cfmrestore.datasets.layouts import one_of
from cfmrestore.datasets.transforms.base import Sample, Transform
from cfmrestore.ops.rng import key_of, mix
from cfmrestore.registry import DATASETS

ATTRIBUTES = ("glasses", "smile", "hat", "dark_hair", "dark_skin")
_FINER = 4  # samples along a side of a pixel
_SKIN = {False: (0.95, 0.80, 0.68), True: (0.52, 0.35, 0.24)}
_HAIR = {False: (0.88, 0.74, 0.42), True: (0.16, 0.11, 0.09)}
_LIPS = (0.72, 0.22, 0.25)
_HAT = (0.15, 0.32, 0.82)
_INK = (0.08, 0.08, 0.10)

Color = tuple[float, float, float]


@DATASETS.register_module()
class Avatars(ImageDataset):
    """Faces with and without glasses, smile, hat, dark hair and dark skin, each in half of them, independently.

    Length of hair, background, clothes, eyes and the shades of all are drawn too, and say nothing of the attributes.
    Hats are blue, as glasses are black: a hat of any color has no direction of its own. An avatar is drawn from (run
    seed, epoch, number), so that every epoch of "train" has new ones; "held_out" is the same in all runs.

    Args:
        split: "train" or "held_out".
        length: How many an epoch of "train" has, or how many are held out.
        size: Side of the picture, in pixels.
        aligned: The heads have one place and size, as those of CelebA-HQ and FFHQ have by their eyes; otherwise both
            are drawn.
        pipeline: Transforms.
        seed: The run's seed; the runner gives it.
    """

    def __init__(
        self,
        *,
        split: str = "train",
        length: int = 10_000,
        size: int = 64,
        aligned: bool = True,
        pipeline: Sequence[Transform | dict[str, Any]] = (),
        seed: int = 0,
    ) -> None:
        super().__init__(pipeline=pipeline, seed=seed)
        self.split, self.length, self.size = one_of("split", split, ("train", "held_out")), length, size
        self.aligned = aligned
        if length < 1 or size < 16:
            raise ValueError(
                f"Avatars needs a length of 1 or more and a side of 16 pixels or more; got {length}, {size}"
            )
        self.metainfo = {"attributes": ATTRIBUTES}

    def __len__(self) -> int:
        return self.length

    def name(self, index: int) -> str:
        return f"{self.split}/{index:06d}"

    def parts(self, index: int, seed: int) -> Sample:
        rng = self._generator(index, seed)
        return {"high": avatar(draw_attributes(rng), rng, self.size, aligned=self.aligned)}

    def attributes(self, index: int) -> dict[str, bool | None]:
        rng = self._generator(index, mix(self.seed, 0, key_of(self.name(index))))
        return dict(draw_attributes(rng))

    def _generator(self, index: int, seed: int) -> np.random.Generator:
        return np.random.default_rng(seed if self.split == "train" else key_of(self.name(index)))


def draw_attributes(rng: np.random.Generator) -> dict[str, bool]:
    """Which of the attributes an avatar has."""
    return dict(zip(ATTRIBUTES, (rng.random(len(ATTRIBUTES)) < 0.5).tolist(), strict=True))


def avatar(attributes: Mapping[str, bool], rng: np.random.Generator, size: int, *, aligned: bool = True) -> np.ndarray:
    """A picture (h, w, 3) of 8 bits; another set of attributes under the same state of the generator leaves the rest.

    Args:
        attributes: Whether it has each of ``ATTRIBUTES``.
        rng: For all else.
        size: Side, in pixels.
        aligned: The head has the place and size of all.
    """
    canvas = _Canvas(size, _background(rng))
    u = rng.uniform(-1, 1, 24)  # all that is random, before anything is drawn
    u[:4] *= not aligned
    x, y = 0.5 + 0.03 * u[0], 0.53 + 0.03 * u[1]
    width, height = 0.205 + 0.02 * u[2], 0.265 + 0.02 * u[3]
    skin = _shade(_SKIN[attributes["dark_skin"]], 0.04 * u[4], 0.02 * u[5:8])
    hair = _shade(_HAIR[attributes["dark_hair"]], 0.05 * u[8], 0.03 * u[9:12])
    shirt = _shade((0.5, 0.5, 0.5), 0.1 * u[12], 0.35 * u[13:16])
    length = 0.12 * (1 + u[16])
    canvas.ellipse((x, y - 0.06 + length / 2), (width + 0.055, height + 0.02 + length / 2), hair)
    canvas.ellipse((x, 1.06), (0.36, 0.24), shirt)
    canvas.box((x - 0.075, y + 0.18), (x + 0.075, 0.90), _shade(skin, -0.07))
    canvas.ellipse((x, y), (width, height), skin)
    canvas.ellipse((x, y - 0.19), (width + 0.015, 0.105 + 0.02 * u[17]), hair)
    _face(canvas, (x, y), width, u[18:22], skin, _shade(hair, -0.04))
    _mouth(canvas, (x, y + 0.145), 0.095 + 0.01 * u[18], smiles=attributes["smile"], amount=0.5 + 0.5 * u[22])
    if attributes["glasses"]:
        _glasses(canvas, (x, y - 0.02), width)
    if attributes["hat"]:
        _hat(canvas, (x, y - 0.20), width, _shade(_HAT, 0.05 * u[23]))
    return canvas.pixels()


def _face(canvas: "_Canvas", at: tuple[float, float], width: float, u: np.ndarray, skin: Color, brow: Color) -> None:
    """Eyes, brows and nose."""
    x, y = at
    iris = _shade((0.32, 0.36, 0.38), 0.0, 0.2 * u[1:4])
    for side in (-1, 1):
        eye = (x + side * 0.47 * width, y - 0.02)
        canvas.ellipse(eye, (0.043, 0.030), (0.97, 0.97, 0.97))
        canvas.ellipse(eye, (0.022, 0.024), iris)
        canvas.ellipse(eye, (0.010, 0.011), _INK)
        canvas.arc((eye[0], eye[1] - 0.03), (0.05, 0.022), (200, 340), brow, 0.016)
    canvas.arc((x, y + 0.035), (0.022, 0.030), (20, 160), _shade(skin, -0.16), 0.014)


def _mouth(canvas: "_Canvas", at: tuple[float, float], width: float, *, smiles: bool, amount: float) -> None:
    """Corners up and teeth shown, or a straight line whose corners hang a little."""
    if smiles:
        depth = 0.05 + 0.015 * amount
        canvas.ellipse((at[0], at[1] - 0.015), (width, depth), _LIPS, angles=(0, 180))
        canvas.ellipse((at[0], at[1] - 0.012), (0.78 * width, 0.45 * depth), (0.97, 0.96, 0.94), angles=(0, 180))
    else:
        canvas.arc((at[0], at[1] + 0.025), (0.8 * width, 0.008 + 0.016 * amount), (200, 340), _LIPS, 0.02)


def _glasses(canvas: "_Canvas", at: tuple[float, float], width: float) -> None:
    for side in (-1, 1):
        canvas.arc((at[0] + side * 0.47 * width, at[1]), (0.072, 0.062), (0, 360), _INK, 0.02)
        canvas.line((at[0] + side * (0.47 * width + 0.072), at[1]), (at[0] + side * width, at[1] - 0.015), _INK, 0.02)
    canvas.line((at[0] - 0.47 * width + 0.07, at[1]), (at[0] + 0.47 * width - 0.07, at[1]), _INK, 0.02)


def _hat(canvas: "_Canvas", at: tuple[float, float], width: float, color: Color) -> None:
    x, y = at
    canvas.ellipse((x, y), (width + 0.01, 0.20), color, angles=(180, 360))
    canvas.box((x - width - 0.01, y - 0.035), (x + width + 0.01, y), _shade(color, -0.15))
    canvas.ellipse((x, y + 0.005), (width + 0.09, 0.028), _shade(color, -0.06))


def _background(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Colors at the top and at the bottom."""
    top = rng.uniform(0.45, 0.95, 3)
    return top, np.clip(top + rng.uniform(-0.15, 0.15), 0, 1)


def _shade(color: Color, light: float, tint: np.ndarray | None = None) -> Color:
    """A color made lighter or darker, and moved."""
    moved = np.clip(np.array(color) + light + (0 if tint is None else tint), 0, 1)
    return (float(moved[0]), float(moved[1]), float(moved[2]))


def _levels(color: Color) -> tuple[float, ...]:
    return tuple(255 * part for part in color)


class _Canvas:
    """A square on which shapes are drawn, whose lengths are shares of its side."""

    def __init__(self, size: int, background: tuple[np.ndarray, np.ndarray]) -> None:
        self.size, self.side = size, _FINER * size
        rows = np.linspace(0, 1, self.side, dtype=np.float32)[:, None]
        column = np.round(255 * ((1 - rows) * background[0] + rows * background[1])).astype(np.uint8)
        self.canvas = np.repeat(column[:, None], self.side, axis=1)

    def _at(self, point: tuple[float, float]) -> tuple[int, int]:
        return round(point[0] * self.side), round(point[1] * self.side)

    def ellipse(
        self, at: tuple[float, float], radii: tuple[float, float], color: Color, angles: tuple[int, int] = (0, 360)
    ) -> None:
        cv2.ellipse(self.canvas, self._at(at), self._at(radii), 0, *angles, _levels(color), cv2.FILLED)

    def arc(
        self, at: tuple[float, float], radii: tuple[float, float], angles: tuple[int, int], color: Color, width: float
    ) -> None:
        cv2.ellipse(self.canvas, self._at(at), self._at(radii), 0, *angles, _levels(color), self._width(width))

    def line(self, start: tuple[float, float], end: tuple[float, float], color: Color, width: float) -> None:
        cv2.line(self.canvas, self._at(start), self._at(end), _levels(color), self._width(width))

    def box(self, corner: tuple[float, float], other: tuple[float, float], color: Color) -> None:
        cv2.rectangle(self.canvas, self._at(corner), self._at(other), _levels(color), cv2.FILLED)

    def _width(self, width: float) -> int:
        return max(1, round(width * self.side))

    def pixels(self) -> np.ndarray:
        """The picture at its size, of 8 bits."""
        return cv2.resize(self.canvas, (self.size, self.size), interpolation=cv2.INTER_AREA)
