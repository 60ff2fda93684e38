"""The bundled model for a picture, by what was done to it."""

from collections.abc import Collection
from dataclasses import dataclass
from math import inf
from pathlib import Path

from cfmrestore import model_zoo
from cfmrestore.imageio import read_picture
from cfmrestore.imageio.picture import Picture
from cfmrestore.ops.jpeg_traces import jpeg_grid, jpeg_quality
from cfmrestore.ops.traces import detail, noise_level, planes_of, sharpness

AUTO = "auto"
KINDS = ("jpeg", "noise", "blur")
"""What a picture may show beside that it was shrunk, and what cards say under inputs."""
_QUALITY, _OWN_QUALITY = 82, 90  # of JPEG, where it is enlarged and where it is not
_GRID = 0.6  # of JPEG by another encoder's steps
_NOISE = 0.6  # variance of the noise in color over the mean Laplacian: the more detail, the more noise it outweighs
_GRAY, _ROUGH = 1.0, 0.1  # levels of noise in luma, and over the mean Laplacian: .28 of noise alone
_SHARP, _SOFT = 0.76, 0.52  # where blur begins to count, and where it is enough alone
_CRISP = 1.0  # the most that sharpness speaks against a trace of JPEG, where it is enlarged
_SCALE = 4  # where nobody says how large
_SHARE = 0.25  # of what is enough alone: from it on a trace is named where none is enough


@dataclass(frozen=True)
class Choice:
    """A model, and what in the picture speaks for it."""

    model: str
    reason: str


def traces(picture: Picture, scale: float | None = None) -> dict[str, str]:
    """What was done to a picture beside shrinking, of ``KINDS``, and the number that tells it.

    What each trace weighs is 1 where models trained on such pictures overtake those trained on clean ones. Slight blur
    and slight compression are too much together, and what is enlarged bears more compression, the more so where it is
    sharp; noise, which hides blur, counts by itself. It is seen in color, whose detail is less, or in luma, where JPEG
    has taken it out of color. The limits were found on photographs of ImageNet that were shrunk four times, or not, and
    degraded; ``cfmrestore benchmark choice`` judges them.
    """
    seen = planes_of(picture.pixels)
    y, grid, sharp = seen.luma, jpeg_grid(seen.luma), sharpness(seen.luma)
    quality = jpeg_quality(y, seen.clipped, grid)
    gray, colored = noise_level(y), 0.0 if seen.color is None else noise_level(seen.color)
    most = max(detail(y), 1)
    limit, crisp = (_OWN_QUALITY, 0.0) if scale == 1 else (_QUALITY, _CRISP)
    rough = gray > max(_GRAY, _ROUGH * most) and (quality is not None or seen.color is None)
    blocks = grid.strength / _GRID if grid.strength > _GRID else 0.0
    weights = {
        "jpeg": blocks if quality is None else ((100 - quality) / (100 - limit)) ** 2,
        "noise": max(colored**2 / (_NOISE * most), float(rough)),
        "blur": max((_SHARP - sharp) / (_SHARP - _SOFT), -crisp),
    }
    if max(weights["jpeg"] + weights["blur"], weights["noise"]) < 1:
        return {}
    said = {
        "jpeg": f"the blocks of JPEG ({grid.strength:.2f})" if quality is None else f"JPEG of quality {quality}",
        "noise": f"noise of {max(gray if rough else 0, colored):.0f} levels",
        "blur": f"blur (sharpness {sharp:.2f})",
    }
    least = 1 if max(weights.values()) >= 1 else _SHARE
    return {kind: said[kind] for kind in KINDS if weights[kind] >= (1 if kind == "noise" else least)}


def faults_of(path: Path) -> str:
    """What a file shows of JPEG and noise; nothing of one that cannot be read."""
    try:
        found = traces(read_picture(path))
    except (OSError, ValueError):
        return ""
    return ", ".join(said for kind, said in found.items() if kind != "blur")


def covering(kinds: Collection[str], scale: float | None = None) -> str:
    """The bundled model whose card says so: the most special, of these that of the least scale which reaches what is
    asked for, by default 4, then that of the fewest steps, then the latest. A card without inputs names no pictures.
    """
    saying = {name: card for name, card in model_zoo.cards().items() if "inputs" in card}
    cards = {name: card for name, card in saying.items() if set(kinds) <= set(card["inputs"])}
    if not cards:
        shown = f"pictures with {' and '.join(kinds)}" if kinds else "clean pictures"
        raise ValueError(f"no bundled model is for {shown}: name one with --model")

    def order(name: str) -> tuple[float, ...]:
        card = cards[name]
        short = max((scale or _SCALE) - card["scale"], 0)
        return len(card["inputs"]), short, card["scale"], card.get("figures", {}).get("evaluations", inf)

    return min(reversed(cards), key=order)


def choose(picture: Picture, scale: float | None = None) -> Choice:
    """The model for a picture that is to be so many times larger."""
    found = traces(picture, scale)
    return Choice(covering(found, scale), ", ".join(found.values()) or "a clean picture")


def choose_for(path: Path, scale: float | None = None) -> Choice:
    """The same for a file."""
    return choose(read_picture(path), scale)
