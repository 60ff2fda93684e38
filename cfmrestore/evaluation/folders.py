"""Image files that belong together: restorations, their targets and their inputs, from folders of any origin."""

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from cfmrestore.datasets.base import to_tensor
from cfmrestore.evaluation.metrics.base import MeasuredSample
from cfmrestore.imageio import images_by_name, read_image, read_size
from cfmrestore.ops.resize import infer_scale
from cfmrestore.typing import Size

ImageFiles = Mapping[str, Path]  # of one image, by what they are: "restored", "target", "low"


def match_files(folders: Mapping[str, str | Path | None], suffix: str = "") -> dict[str, ImageFiles]:
    """The files whose paths agree but for their extensions, by that path; every one without a partner is named.

    Args:
        folders: Folders, or single images, by what they hold.
        suffix: What the names of restorations end with beyond those of the others.
    """
    kinds = {
        kind: _named(Path(folder), suffix if kind == "restored" else "") for kind, folder in folders.items() if folder
    }
    names = sorted(set().union(*kinds.values()))
    alone = [
        f"{name} (no {', no '.join(missing)})"
        for name in names
        if (missing := [kind for kind, paths in kinds.items() if name not in paths])
    ]
    if alone:
        hint = "" if suffix or "restored" not in kinds else _likely_suffix(kinds)
        raise ValueError(f"{len(alone)} of {len(names)} images are not in every folder{hint}: {'; '.join(alone)}")
    return {name: {kind: paths[name] for kind, paths in kinds.items()} for name in names}


def _likely_suffix(kinds: Mapping[str, Mapping[str, Path]]) -> str:
    """The suffix that would make all restorations belong to targets."""
    others = set().union(*(paths for kind, paths in kinds.items() if kind != "restored"))
    name = min(kinds["restored"])
    for other in others:
        suffix = name.removeprefix(other)
        if suffix != name and all(path.removesuffix(suffix) in others for path in kinds["restored"]):
            return f" (would --suffix {suffix} help?)"
    return ""


def _named(folder: Path, suffix: str) -> dict[str, Path]:
    if folder.is_file():
        return {"image": folder}
    named = images_by_name(folder)
    if other := next((path for name, path in named.items() if not name.endswith(suffix)), None):
        raise ValueError(f"{other} does not end with the suffix {suffix!r}")
    return {name.removesuffix(suffix): path for name, path in named.items()}


def check_sizes(files: Mapping[str, ImageFiles], scale: int | None) -> None:
    """Refuse images whose sizes do not fit, all of them in one message."""
    wrong = []
    for name, paths in files.items():
        sizes = {kind: read_size(path)[::-1] for kind, path in paths.items()}
        told = {kind: f"{height}x{width}" for kind, (height, width) in sizes.items()}
        restored, target, low = sizes["restored"], sizes.get("target"), sizes.get("low")
        if target is not None and restored != target:
            wrong.append(f"{name}: restored {told['restored']}, target {told['target']}")
        elif low is not None and not _fits(restored, low, scale):
            wrong.append(f"{name}: restored {told['restored']}, input {told['low']}")
    if wrong:
        raise ValueError(f"{len(wrong)} images do not fit in size: {'; '.join(wrong)}")


def _fits(size: Size, low: Size, scale: int | None) -> bool:
    """Whether an image can be a restoration of its input: by the given scale, or by one that both axes agree on."""
    if scale is not None:
        return all(-(-n // scale) == m or n // scale == m for n, m in zip(size, low, strict=True))
    factors = {round(n / m) for n, m in zip(size, low, strict=True)}
    return infer_scale(size, low) is not None or (len(factors) == 1 and factors != {0})


def read_sample(name: str, files: ImageFiles, scale: int | None) -> MeasuredSample:
    """The images in [0, 1], as metrics want them."""
    return {"name": name, "scale": scale, **{kind: load_image(path) for kind, path in files.items()}}


def load_image(path: Path) -> Tensor:
    """A file as (3, h, w) in [0, 1]."""
    return to_tensor(read_image(path)).float() / 255
