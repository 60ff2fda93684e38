"""The bundled model for a picture, by what was done to it."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from cfmrestore.imageio import read_picture
from cfmrestore.imageio.picture import Picture
from cfmrestore.ops.traces import jpeg_grid, noise_level, planes_of, sharpness
from cfmrestore.restore import model_zoo

AUTO = "auto"
KINDS = ("jpeg", "noise", "blur")
"""What a picture may show beside that it was shrunk, and what cards say under inputs."""
_GRID = 0.65  # of JPEG below a quality of about 88
_COLORED = 3.5  # levels of noise in the difference of colors
_GRAY, _ROUGH = 4.5, 1.2  # levels of noise in luma, where it is also as rough as noise
_SHARP = 0.52


@dataclass(frozen=True)
class Choice:
    """A model, and what in the picture speaks for it."""

    model: str
    reason: str


def traces(picture: Picture) -> dict[str, str]:
    """What was done to a picture beside shrinking, "jpeg", "noise" or "blur", and the number that tells it.

    The limits are where models trained on such pictures overtake those trained on clean ones, within a tenth of a
    decibel, on photographs of BSDS500 that were shrunk four times.
    """
    luma, color = planes_of(picture.pixels)
    grid, sharp = jpeg_grid(luma), sharpness(luma)
    gray, colored = noise_level(luma), 0.0 if color is None else noise_level(color)
    found = {}
    if grid > _GRID:
        found["jpeg"] = f"the blocks of JPEG ({grid:.2f})"
    if colored > _COLORED or (gray > _GRAY and sharp > _ROUGH):
        found["noise"] = f"noise of {max(gray, colored):.0f} levels"
    if sharp < _SHARP and not found:
        found["blur"] = f"blur (sharpness {sharp:.2f})"
    return found


def covering(kinds: Collection[str]) -> str:
    """The bundled model whose card says so: the most special, of these that of the fewest steps, then the latest."""
    cards = {name: card for name, card in model_zoo.cards().items() if set(kinds) <= set(card["inputs"])}
    if not cards:
        raise ValueError(f"no bundled model is for pictures with {' and '.join(kinds)}: name one with --model")
    return min(reversed(cards), key=lambda name: (len(cards[name]["inputs"]), cards[name]["figures"]["evaluations"]))


def choose(picture: Picture) -> Choice:
    """The model for a picture."""
    found = traces(picture)
    return Choice(covering(found), ", ".join(found.values()) or "a clean picture")


def choose_for(path: Path) -> Choice:
    """The same for a file."""
    return choose(read_picture(path))
