"""The pictures of the page: stored once each, shown under a slider and as magnified crops."""

import base64
import io
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from cfmrestore.reports.html.markup import Markup, element
from cfmrestore.reports.html.window import Window, around, largest_error

_CROP = 64  # pixels
_LARGEST = 1600  # picture under the slider, in pixels
_SMALLEST = 480  # width in which a small picture is shown
_PICTURES = ("bicubic", "restored", "target")


class Store:
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
class Shown:
    """One image of the page."""

    ids: Mapping[str, str]  # of the stored pictures, by name
    size: tuple[int, int]  # of the whole image
    view: Window  # the part that is stored
    window: Window  # the worst place
    reference: str | None  # what the worst place was found against

    @property
    def lefts(self) -> list[str]:
        """What can stand on the left of the slider."""
        return [name for name in ("bicubic", "target") if name in self.ids]


def choose_view(given: Mapping[str, np.ndarray], store: Store, what: str) -> Shown:
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
    return Shown(ids, size, view, window.inside(view), reference)


def slider(name: str, shown: Shown) -> Markup:
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


def _layer(picture: str, name: str, shown: Shown, side: str) -> Markup:
    label = f"{picture}: {name}"
    return element("span", class_=f"layer {side}", data_picture=shown.ids[picture], data_label=label)


def _frame(shown: Shown) -> list[Markup]:
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
    return [
        element("span", class_="divider"),
        element("span", left, class_="tag of-left"),
        element("span", "restored", class_="tag of-right"),
        element(
            "input",
            type="range",
            min=0,
            max=100,
            step="any",
            value=50,
            autocomplete="off",
            aria_label=_range(left, name),
        ),
    ]


def _range(left: str, name: str) -> str:
    return f"Share of {left}, on the left, beside restored: {name}"


def _choice(name: str, shown: Shown) -> list[Markup]:
    """Buttons for the left side, where there is a choice."""
    if len(shown.lefts) < 2:
        return []
    buttons = [
        element(
            "button",
            left,
            type="button",
            aria_pressed=str(place == 0).lower(),
            data_picture=shown.ids[left],
            data_label=f"{left}: {name}",
            data_range=_range(left, name),
        )
        for place, left in enumerate(shown.lefts)
    ]
    return [element("div", "Left side:", *buttons, class_="choice", role="group", aria_label="Left side")]


def _cropped(shown: Shown) -> list[Markup]:
    if (shown.view.height, shown.view.width) == shown.size:
        return []
    part, whole = (shown.view.width, shown.view.height), (shown.size[1], shown.size[0])
    text = f"A part of {part[0]} by {part[1]} pixels around the marked place, of {whole[0]} by {whole[1]}."
    return [element("p", text, class_="muted")]


def crops(name: str, shown: Shown) -> list[Markup]:
    """The worst place of every picture, magnified."""
    if shown.reference is None:
        return []
    window = shown.window
    figures = [
        element(
            "figure",
            element(
                "canvas",
                width=window.width,
                height=window.height,
                data_picture=shown.ids[picture],
                data_left=window.left,
                data_top=window.top,
                role="img",
                aria_label=f"{picture}, magnified: {name}",
            ),
            element("figcaption", picture),
            class_="crop",
        )
        for picture in _PICTURES
        if picture in shown.ids
    ]
    text = f"Where restored differs most from {shown.reference}: {window.width} by {window.height} pixels, magnified"
    return [element("p", text, class_="muted"), element("div", *figures, class_="crops")]
