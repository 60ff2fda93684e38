"""The pictures of the page: stored once each, shown under a slider and as magnified crops."""

import base64
import io
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from cfmrestore.reports.html.markup import Markup, element
from cfmrestore.reports.html.rectangle import Rectangle, around, largest_error

_CROP = 64  # pixels
_LARGEST = 1600  # picture under the slider, in pixels
_SMALLEST = 480  # width in which a small picture is shown
_PICTURES = ("bicubic", "restored", "target")


class PictureStore:
    """The pictures of the page: each is written once, and shown by its id in many places."""

    def __init__(self) -> None:
        self._scripts: list[Markup] = []

    def add(self, pixels: np.ndarray) -> str:
        """Keep a picture without loss; its id is returned."""
        from PIL import Image

        file = io.BytesIO()
        Image.fromarray(pixels).save(file, format="WEBP", lossless=True, method=2, quality=60)
        address, text = f"picture-{len(self._scripts)}", Markup(base64.b64encode(file.getvalue()).decode())
        self._scripts.append(element("script", text, type="text/plain", id=address, data_format="image/webp"))
        return address

    def markup(self) -> Markup:
        """All of them."""
        return Markup("\n".join(self._scripts))


@dataclass(frozen=True)
class ShownImage:
    """One image of the page."""

    ids: Mapping[str, str]  # of the stored pictures, by name
    size: tuple[int, int]  # of the whole image
    view: Rectangle  # the part that is stored
    window: Rectangle  # the worst place
    reference: str | None  # what the worst place was found against

    @property
    def lefts(self) -> list[str]:
        """What can stand on the left of the slider."""
        return [name for name in ("bicubic", "target") if name in self.ids]


def store_view(given: Mapping[str, np.ndarray], store: PictureStore, what: str) -> ShownImage:
    """Check the pictures of an image, find its worst place, and store what is shown.

    Args:
        given: The pictures by name.
        store: Where they are kept.
        what: The image, for messages.
    """
    named = {name: np.asarray(given[name]) for name in _PICTURES if name in given}
    if "restored" not in named:
        raise ValueError(f"{what} has no restored picture")
    restored = named["restored"]
    for name, pixels in named.items():
        if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape != (*restored.shape[:2], 3):
            raise ValueError(
                f"{what}: need (h, w, 3) of 8 bits, all of one size; got {pixels.dtype} of {pixels.shape} for {name!r} "
                f"beside {restored.shape}"
            )
    size = (restored.shape[0], restored.shape[1])
    reference = next((name for name in ("target", "bicubic") if name in named), None)
    window = largest_error(restored, named[reference or "restored"], _CROP)
    view = around(window, size, _LARGEST)
    ids = {name: store.add(np.ascontiguousarray(view.cut(pixels))) for name, pixels in named.items()}
    return ShownImage(ids, size, view, window.inside(view), reference)


def slider(name: str, shown: ShownImage) -> Markup:
    """The restored picture under another one, and what moves the border between them."""
    left = next(iter(shown.lefts), None)
    enlarged = max(1, _SMALLEST // shown.view.width)
    kinds = ["stage", *(["split"] if left else []), *(["enlarged"] if enlarged > 1 else [])]
    width, height = shown.view.width, shown.view.height
    stage = element(
        "div",
        _layer("restored", name, shown, "right"),
        *([] if left is None else [_layer(left, name, shown, "left")]),
        *_frame(shown),
        *([] if left is None else _handle(left, name)),
        class_=" ".join(kinds),
        style=f"width: {width * enlarged}px; aspect-ratio: {width} / {height}; --split: 50%",
    )
    return element("figure", stage, element("figcaption", *_choice(name, shown), *_cropped(shown)), class_="compare")


def _layer(picture: str, name: str, shown: ShownImage, side: str) -> Markup:
    label = f"{picture}: {name}"
    return element("span", class_=f"layer {side}", data_picture=shown.ids[picture], data_label=label)


def _frame(shown: ShownImage) -> list[Markup]:
    """A rectangle at the worst place."""
    if shown.reference is None:
        return []
    window, view = shown.window, shown.view
    places = {
        "left": window.left / view.width,
        "top": window.top / view.height,
        "width": window.width / view.width,
        "height": window.height / view.height,
    }
    return [element("span", class_="window", style="; ".join(f"{key}: {100 * v:.4f}%" for key, v in places.items()))]


def _handle(left: str, name: str) -> list[Markup]:
    percent = {"type": "range", "min": 0, "max": 100, "step": "any", "value": 50, "autocomplete": "off"}
    return [
        element("span", class_="divider"),
        element("span", left, class_="tag of-left"),
        element("span", "restored", class_="tag of-right"),
        element("input", **percent, aria_label=_range(left, name)),
    ]


def _range(left: str, name: str) -> str:
    return f"Share of {left}, on the left, beside restored: {name}"


def _choice(name: str, shown: ShownImage) -> list[Markup]:
    """Buttons for the left side, where there is a choice."""
    if len(shown.lefts) < 2:
        return []
    buttons = []
    for place, left in enumerate(shown.lefts):
        data = {"picture": shown.ids[left], "label": f"{left}: {name}", "range": _range(left, name)}
        pressed = {"aria_pressed": str(place == 0).lower(), **{f"data_{key}": value for key, value in data.items()}}
        buttons.append(element("button", left, type="button", **pressed))
    return [element("div", "Left side:", *buttons, class_="choice", role="group", aria_label="Left side")]


def _cropped(shown: ShownImage) -> list[Markup]:
    if (shown.view.height, shown.view.width) == shown.size:
        return []
    part, whole = (shown.view.width, shown.view.height), (shown.size[1], shown.size[0])
    text = f"A part of {part[0]} by {part[1]} pixels around the marked place, of {whole[0]} by {whole[1]}."
    return [element("p", text, class_="muted")]


def crops(name: str, shown: ShownImage) -> list[Markup]:
    """The worst place of every picture, magnified."""
    if shown.reference is None:
        return []
    window, figures = shown.window, []
    place = {"width": window.width, "height": window.height, "data_left": window.left, "data_top": window.top}
    for picture, address in shown.ids.items():
        label = f"{picture}, magnified: {name}"
        canvas = element("canvas", **place, data_picture=address, role="img", aria_label=label)
        figures.append(element("figure", canvas, element("figcaption", picture), class_="crop"))
    text = f"Where restored differs most from {shown.reference}: {window.width} by {window.height} pixels, magnified"
    return [element("p", text, class_="muted"), element("div", *figures, class_="crops")]
