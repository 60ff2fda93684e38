"""How far boundaries reach: pictures are moved toward the other side, and a network that knows none of it judges."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from cfmrestore.editing import Boundary, BoundaryEdits, boundary_edit
from cfmrestore.engine.jobs import track
from cfmrestore.engine.panels import caption, stack, to_pixels, write_png
from cfmrestore.features import Extractor
from cfmrestore.imageio.atomic import check_free
from cfmrestore.registry import FEATURES, find_class, load_plugins
from cfmrestore.reports.markdown import markdown_table
from cfmrestore.reports.nearest import open_pictures
from cfmrestore.restore.editor import given_of, tells_class
from cfmrestore.restore.sampler import Sampler
from cfmrestore.typing import Image

_BATCH = 64
_SHOWN = 8  # pictures of a side in the sheet


@dataclass(frozen=True)
class Judged:
    """What came of one boundary.

    Args:
        boundary: The boundary.
        count: Pictures that were moved.
        across: Share of them that is on the other side then, at each strength.
        stay: Share of their other attributes that is as it was; the classes of a dataset are one attribute.
        clear: The same of those that the judge has no doubt of before; NaN where there is none.
        third: Where one class was moved toward another, the share that is a third one then; otherwise NaN.
        error: Largest relative error of the way there and back.
        nfe: Evaluations a picture and strength.
        sheet: Some pictures as they are, and below at each strength.
    """

    boundary: Boundary
    count: int
    across: list[float]
    stay: list[float]
    clear: list[float]
    third: list[float]
    error: float
    nfe: int
    sheet: np.ndarray


def judge_boundary(
    model: str | Path,
    data: str,
    boundary: Sequence[str | Path],
    judge: str,
    *,
    against: str | None = None,
    keep: Sequence[str | Path] = (),
    strengths: Sequence[float] = (1.0, 2.0, 3.0),
    count: int = 40,
    solver: str | None = None,
    num_intervals: int | None = None,
    sheet: str | Path | None = None,
    overwrite: bool = False,
    device: str = "auto",
) -> list[Judged]:
    """Move pictures across each boundary, and count what a network sees in them before and after.

    Args:
        model: As for ``Sampler.from_pretrained``.
        data: A folder, or a dataset and its split: ``Avatars:held_out``.
        boundary: Files of ``fit_boundary``.
        judge: A feature extractor that knows attributes.
        against: The attribute of the other side, as for ``fit_boundary``: pictures that show neither are not moved.
        keep: Files of boundaries whose distances stay, each of the time and space of those that are judged.
        strengths: How far, in standard deviations.
        count: Pictures of each boundary, at most: half of them of each side.
        solver: Its name; by default the model's.
        num_intervals: Intervals from t = 0 to 1; by default the model's.
        sheet: A PNG file of some of the pictures.
        overwrite: Replace a file that is there.
        device: As for ``Sampler``.
    """
    if count < 2 or not strengths or min(strengths) <= 0:
        raise ValueError(f"count is 2 or more, strengths are positive; got {count} and {list(strengths)}")
    check_free([] if sheet is None else [Path(sheet)], overwrite)
    load_plugins()
    sampler = Sampler.from_pretrained(model, device=device, precision="fp32")
    network = find_class({"type": judge}, FEATURES).load().to(sampler.device)
    pictures = _open(data)
    parts = [part.to(sampler.device) for part in pictures.images.split(_BATCH)]
    before, doubtful = _together(map(network.attributes, parts)), _together(map(network.doubtful, parts))
    settings = {"solver": solver, "num_intervals": num_intervals}
    kept = [Boundary.load(file) for file in keep]
    trial = _Trial(sampler, network, settings, pictures, before, doubtful, kept, strengths, count)
    judged = [trial.judge(Boundary.load(file), against) for file in boundary]
    print(report(judged, strengths))
    if sheet is not None:
        write_png(sheet, stack([one.sheet for one in judged]))
    return judged


def _together(parts: Iterable[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """What is seen in all pictures, of what is seen in parts of them."""
    seen = list(parts)
    return {name: torch.cat([one[name] for one in seen]) for name in seen[0]}


def report(judged: Sequence[Judged], strengths: Sequence[float]) -> str:
    """A table of the boundaries."""
    ways = [text for k in strengths for text in (f"across at {k:g}", "others stay", "clear ones", "a third class")]
    lines = [["boundary", "time", "pictures", *ways, "there and back", "NFE"]]
    for one in judged:
        shares = [
            "-" if math.isnan(share) else f"{share:.1%}"
            for some in zip(one.across, one.stay, one.clear, one.third, strict=True)
            for share in some
        ]
        about = [one.boundary.attribute, f"{one.boundary.time:g}", str(one.count)]
        lines.append([*about, *shares, f"{one.error:.1e}", str(one.nfe)])
    return markdown_table(lines)


@dataclass(frozen=True)
class _Pictures:
    """All pictures, their labels where they have classes, and the names of those."""

    images: Image
    labels: Tensor | None
    classes: tuple[str, ...]


def _open(data: str) -> _Pictures:
    found = open_pictures(data)
    parts = [found[n]["inputs"] for n in range(len(found))]
    images = torch.stack([part["high"] for part in parts]).float() / 255
    labels = torch.stack([part["label"] for part in parts]).long() if all("label" in part for part in parts) else None
    return _Pictures(images, labels, tuple(found.metainfo.get("classes", ())))


@dataclass(frozen=True)
class _Trial:
    """Who moves pictures, and who judges them."""

    sampler: Sampler
    network: Extractor
    settings: Mapping[str, object]
    pictures: _Pictures
    before: Mapping[str, Tensor]
    doubtful: Mapping[str, Tensor]
    kept: Sequence[Boundary]
    strengths: Sequence[float]
    count: int

    def judge(self, boundary: Boundary, against: str | None) -> Judged:
        name, before = boundary.attribute, self.before
        if missing := {name, against or name} - before.keys():
            known = ", ".join(before)
            raise ValueError(f"{type(self.network).__name__} knows no {', '.join(sorted(missing))}; it knows {known}")
        across, same, clear, third, errors, columns, moved = [], [], [], [], [], [], []
        for has in (True, False):
            side = before[name] if has else before[against] if against else ~before[name]
            chosen = side.nonzero().flatten()[: self.count // 2]
            if not len(chosen):
                raise ValueError(f"no picture lies on one side of {name}")
            goal, wanted = (against, True) if has and against else (name, not has)
            for rows in track(chosen.split(_BATCH), f"{name} {'-' if has else '+'}"):
                done = self._move(boundary, rows, [-k if has else k for k in self.strengths])
                seen = [self.network.attributes(one.image) for one in done.edits]
                was = self._others({key: shown[rows] for key, shown in before.items()}, name)
                across.append(torch.stack([one[goal] == wanted for one in seen]))
                same.append(torch.stack([self._others(one, name) == was for one in seen]))
                clear.append(self._clear(was, rows, name))
                third.append(torch.stack([self._third(one, name, against) for one in seen]))
                errors.append(float(done.error.max()))
                moved.append(done.edits[0].nfe)
                columns.append([self.pictures.images[rows.cpu()], *(one.image.cpu() for one in done.edits)])
        stays, sure = torch.cat(same, dim=2).double(), torch.cat(clear, dim=1).double()
        return Judged(
            boundary,
            count=stays.shape[2],
            across=torch.cat(across, dim=1).double().mean(dim=1).tolist(),
            stay=stays.mean(dim=(1, 2)).tolist(),
            clear=((stays * sure).sum(dim=(1, 2)) / sure.sum()).tolist(),
            third=torch.cat(third, dim=1).mean(dim=1).tolist(),
            error=max(errors),
            nfe=max(moved),
            sheet=self._sheet(name, columns),
        )

    def _move(self, boundary: Boundary, rows: Tensor, strengths: Sequence[float]) -> BoundaryEdits:
        flow, rows = self.sampler.flow, rows.cpu()
        images = self.pictures.images[rows].to(self.sampler.device)
        labels = self.pictures.labels
        if (told := tells_class(flow, boundary.guidance)) and labels is None:
            raise ValueError(
                f"the boundary of {boundary.attribute!r} was fitted to images whose class was told, and these pictures "
                "have none: take a dataset that knows classes"
            )
        given = given_of(flow, images, labels[rows] if told and labels is not None else None)
        return boundary_edit(
            flow, images, rows, [boundary], strengths, sampling=self.sampler.settings(**self.settings),
            keep=[one for one in self.kept if one.attribute != boundary.attribute],
            given={key: value.to(images.device) for key, value in given.items()},
        )  # fmt: skip

    def _apart(self, name: str) -> list[str]:
        """The other attributes that are no classes."""
        return [key for key in self.before if key != name and key not in self.pictures.classes]

    def _others(self, shown: Mapping[str, Tensor], name: str) -> Tensor:
        """The other attributes as rows of numbers: the classes are one, the number of the class, and the last."""
        classes = [shown[one] for one in self.pictures.classes if one in shown]
        rows = [shown[key].long() for key in self._apart(name)]
        if classes and name not in self.pictures.classes:
            rows.append(torch.stack(classes).long().argmax(dim=0))
        return torch.stack(rows)

    def _clear(self, was: Tensor, rows: Tensor, name: str) -> Tensor:
        """Which of these numbers the judge has no doubt of."""
        clear = torch.ones_like(was, dtype=torch.bool)
        for place, key in enumerate(self._apart(name)):
            if key in self.doubtful:
                clear[place] = ~self.doubtful[key][rows]
        return clear

    def _third(self, shown: Mapping[str, Tensor], name: str, against: str | None) -> Float[Tensor, " b"]:
        """Where both sides are classes, which images show neither."""
        if against is None or not {name, against} <= set(self.pictures.classes):
            return torch.full(shown[name].shape, torch.nan, dtype=torch.float64)
        return (~(shown[name] | shown[against])).double()

    def _sheet(self, name: str, columns: Sequence[Sequence[Image]]) -> np.ndarray:
        """Some pictures of both sides; below them at each strength."""
        sides = [columns[0], columns[-1]]
        lines = [torch.cat([side[row][:_SHOWN] for side in sides]) for row in range(len(columns[0]))]
        picture = np.concatenate([np.concatenate([to_pixels(one) for one in line], axis=1) for line in lines])
        return np.concatenate([caption(f"{name}: taken away | given", picture.shape[1]), picture])
