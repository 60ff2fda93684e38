"""How an image is to be restored."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from cfmrestore.flows.sampling import Sampling, is_number, is_whole
from cfmrestore.former_names import update_keys
from cfmrestore.ops import color_match
from cfmrestore.registry import check_keys


def checked_tile(tile: int | str) -> int | str:
    """A side of tiles, refused where it is none."""
    if tile != "auto" and not (is_whole(tile) and int(tile) >= 0):
        raise ValueError(f"tile must be 'auto', 0 or a number of pixels; got {tile!r}")
    return tile


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What a user may ask for; None leaves the model's own.

    Args:
        scale: Pixels of the result a pixel of the input, along each side: any positive number.
        seed: Another one draws other detail.
        solver: Name or config of the solver.
        num_intervals: Steps that the solver takes; more of them draw more detail.
        fidelity: From 0, the most detailed, to 1, the most faithful: the mean of what may have been there.
        noise: Factor on the noise at the start.
        consistency: Make the result, shrunk bicubically, equal the input, to half a level but at edges between black
            and white; for whole scales, and inputs that were shrunk and nothing else.
        color: "none", or the colors of the input: "mean", "wavelet" (what is coarse) or "adain" (mean, deviation).
        self_ensemble: Restore the image under the eight symmetries of the square, and take the mean, which is closer to
            the truth and takes eight times as long. What is drawn differs in each, so that the mean has less of it.
        tile: Side of a tile in pixels of the result, "auto" by what is cheapest and fits the memory, or 0 for none.
    """

    scale: float | None = None
    seed: int = 0
    solver: str | dict[str, Any] | None = None
    num_intervals: int | None = None
    fidelity: float | None = None
    noise: float | None = None
    consistency: bool | None = None
    color: str | None = None
    self_ensemble: bool | None = None
    tile: int | str = "auto"

    def __post_init__(self) -> None:
        if self.scale is not None and not (is_number(self.scale) and 0 < self.scale <= 64):
            raise ValueError(f"scale must lie above 0, at most 64; got {self.scale!r}")
        if not is_whole(self.seed) or not 0 <= self.seed < 2**62:
            raise ValueError(f"seed must be an integer from 0, below 2^62; got {self.seed!r}")
        if self.color is not None and self.color not in color_match.MODES:
            raise ValueError(f"color must be one of {', '.join(color_match.MODES)}; got {self.color!r}")
        checked_tile(self.tile)

    @staticmethod
    def of(given: Mapping[str, Any]) -> "Settings":
        """From keywords; an unknown one is named."""
        given = update_keys(given, "settings")
        check_keys(Settings, given)
        return Settings(**given)

    def sampling(self, own: Sampling) -> Sampling:
        """The model's sampling, changed."""
        names = ("solver", "num_intervals", "fidelity", "noise", "consistency", "color")
        changes = {name: value for name in names if (value := getattr(self, name)) is not None}
        if isinstance(self.solver, str):
            changes["solver"] = {"type": self.solver}
        return replace(own, **changes)
