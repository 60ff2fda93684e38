"""Evaluation of images from anywhere: a folder of restorations, and the folder of their targets."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.evaluator import BaseMetric
from mmengine.utils import ProgressBar
from torch import Tensor

from cfmrestore.datasets.base import to_tensor
from cfmrestore.datasets.files import list_images, read_image
from cfmrestore.evaluation import protocols
from cfmrestore.evaluation.metric_names import metric_config
from cfmrestore.evaluation.metrics import ImageMetric, SetMetric
from cfmrestore.evaluation.metrics.base import Sample, pictures
from cfmrestore.registry import METRICS, load_plugins
from cfmrestore.reports import results
from cfmrestore.reports.html import write_report


@dataclass(frozen=True)
class Files:
    """The files of one image, by what they are: "restored", "target", "low"."""

    name: str
    paths: Mapping[str, Path]


def evaluate_folders(
    restored: str | Path,
    target: str | Path | None = None,
    *,
    low: str | Path | None = None,
    protocol: str = "classic_y",
    metrics: Sequence[str] = ("PSNR", "SSIM"),
    scale: int | None = None,
    suffix: str = "",
    method: str | None = None,
    name: str | None = None,
    weights: str | None = None,
    out: str | None = None,
    report: str | None = None,
) -> results.Result:
    """Measure a folder of restored images; files belong together by their paths without extensions.

    Args:
        restored: The folder of restorations, or one image.
        target: The folder of what they should be; not needed for metrics without reference.
        low: The folder of inputs: the table then has a row for bicubic interpolation.
        protocol: How images are compared.
        metrics: Names of metrics, in any case.
        scale: Pixels of a restoration a pixel of its input, where ``low`` does not tell.
        suffix: What the names of restorations end with beyond those of the targets, such as "_x4".
        method: How the restorations are called in tables; by default their folder.
        name: How the set of images is called; by default the folder of the targets.
        weights: Folder with the weights of networks that metrics need; without it, torch's cache.
        out: JSON file for the result; a table and a CSV file are written beside it.
        report: HTML file with table, histograms and the worst images.
    """
    load_plugins()
    results.check_names(out, report)
    plan = protocols.find_protocol(protocol)
    if scale is not None and scale < 1:
        raise ValueError(f"scale must be 1 or more; got {scale}")
    measures = [build(one, protocol, weights) for one in metrics]
    needing = [type(shell).__name__ for shell in measures if shell.needs_target]
    if target is None and needing:
        raise ValueError(f"{', '.join(needing)} compare with targets: name their folder too")
    if target is not None and low is None and plan.crop and scale is None:
        raise ValueError(
            f"the protocol {protocol!r} cuts a border of as many pixels as the scale: give the scale (--scale), or the "
            "folder of the inputs (--low)"
        )
    shells: list[BaseMetric] = [*measures, METRICS.build({"type": "ImageDigest"})]
    given = {"restored": restored, "target": target, "low": low}
    files = match(given, suffix)
    check_sizes(files, scale)
    for one in _progress(files):
        sample = read(one, scale)
        for shell in shells:
            shell.process(None, [sample])
    means = {key: value for shell in shells for key, value in shell.evaluate(len(files)).items()}
    title = name or results.title_of(target or restored)
    folders = {kind: str(folder) for kind, folder in given.items() if folder is not None}
    measured = {title: results.benchmark(shells, means)}
    result = results.assemble(method or results.title_of(restored), plan, shells, measured, folders)
    _write(result, out, report, {one.name: one for one in files}, scale)
    return result


def build(metric: str, protocol: str, weights: str | None = None) -> ImageMetric | SetMetric:
    """A metric by its name, in any case, with its weights."""
    config = metric_config(metric, weights)
    shell: ImageMetric | SetMetric = METRICS.build(config, default_args={"protocol": protocol})
    shell.prepare()
    return shell


def match(folders: Mapping[str, str | Path | None], suffix: str = "") -> list[Files]:
    """The files that belong together; every one without a partner is named."""
    found = {
        kind: _named(Path(folder), suffix if kind == "restored" else "") for kind, folder in folders.items() if folder
    }
    names = set.union(*(set(paths) for paths in found.values()))
    alone = []
    for name in sorted(names):
        missing = [kind for kind, paths in found.items() if name not in paths]
        if missing:
            alone.append(f"{name} (no {', no '.join(missing)})")
    if alone:
        hint = "" if suffix else _likely_suffix(found)
        raise ValueError(f"{len(alone)} of {len(names)} images are not in every folder{hint}: {'; '.join(alone)}")
    return [Files(name, {kind: paths[name] for kind, paths in found.items()}) for name in sorted(names)]


def _likely_suffix(found: Mapping[str, Mapping[str, Path]]) -> str:
    """The suffix that would make all restorations belong to targets."""
    others = set().union(*(paths for kind, paths in found.items() if kind != "restored"))
    name = min(found["restored"])
    for other in others:
        suffix = name.removeprefix(other)
        if suffix != name and all(own.removesuffix(suffix) in others for own in found["restored"]):
            return f" (would --suffix {suffix} help?)"
    return ""


def _named(folder: Path, suffix: str) -> dict[str, Path]:
    if folder.is_file():
        return {"image": folder}
    found: dict[str, Path] = {}
    for path in list_images(folder):
        name = path.relative_to(folder).with_suffix("").as_posix()
        if not name.endswith(suffix):
            raise ValueError(f"{path} does not end with the suffix {suffix!r}")
        name = name.removesuffix(suffix)
        if name in found:
            raise ValueError(f"{found[name]} and {path} have one name: keep one of them")
        found[name] = path
    return found


def check_sizes(files: Iterable[Files], scale: int | None) -> None:
    """All images whose sizes do not fit, before anything is measured."""
    wrong = []
    for one in files:
        sizes = {kind: _size(path) for kind, path in one.paths.items()}
        restored, target, low = (sizes.get(kind) for kind in ("restored", "target", "low"))
        if target is not None and restored != target:
            wrong.append(f"{one.name}: restored {_text(restored)}, target {_text(target)}")
        elif low is not None and restored is not None:
            factors = {round(a / b) for a, b in zip(restored, low, strict=True)}
            if len(factors) > 1 or factors == {0} or (scale is not None and factors != {scale}):
                wrong.append(f"{one.name}: restored {_text(restored)}, input {_text(low)}")
    if wrong:
        raise ValueError(f"{len(wrong)} images do not fit in size: {'; '.join(wrong)}")


def _text(size: tuple[int, int] | None) -> str:
    return "none" if size is None else f"{size[0]}x{size[1]}"


def _size(path: Path) -> tuple[int, int]:
    """Width and height after the orientation that EXIF asks for, from the head of the file."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as image:
            turned = image.getexif().get(0x0112, 1) in (5, 6, 7, 8)
            return (image.height, image.width) if turned else (image.width, image.height)
    except (UnidentifiedImageError, Image.DecompressionBombError):
        height, width = read_image(path).shape[:2]
        return width, height
    except (OSError, SyntaxError) as error:
        raise ValueError(f"cannot read {str(path)!r}: {error}") from error


def read(files: Files, scale: int | None) -> Sample:
    """The images in [0, 1], as metrics want them."""
    images: dict[str, Any] = {kind: load_image(path) for kind, path in files.paths.items()}
    return {"name": files.name, "scale": scale, **images}


def load_image(path: Path) -> Tensor:
    """A file as (3, h, w) in [0, 1]."""
    return to_tensor(read_image(path)).float() / 255


def _progress(files: Sequence[Files]) -> Iterable[Files]:
    bar = ProgressBar(len(files), file=sys.stderr)
    for one in files:
        yield one
        bar.update()
    print(file=sys.stderr)


def _write(
    result: results.Result, out: str | None, report: str | None, files: Mapping[str, Files], scale: int | None
) -> None:
    print(results.table(result))
    if out is not None:
        results.write(result, out)
    if report is not None:
        write_report(report, result, lambda name, index: _pictures(result, files, name, index, scale))
        print(f"look at {report}")


def _pictures(
    result: results.Result, files: Mapping[str, Files], benchmark: str, index: int, scale: int | None
) -> dict[str, np.ndarray]:
    from cfmrestore.engine.panels import to_pixels

    sample = read(files[result["benchmarks"][benchmark]["images"][index]], scale)
    return {kind: to_pixels(image) for kind, image in pictures(sample).items()}
