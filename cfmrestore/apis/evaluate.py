"""Evaluation of images from anywhere: a folder of restorations, and the folder of their targets."""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cfmrestore.apis.feature_statistics import measure_set
from cfmrestore.engine.jobs import track
from cfmrestore.engine.panels import to_pixels
from cfmrestore.evaluation import protocols
from cfmrestore.evaluation.folders import check_sizes, match_files, read_sample
from cfmrestore.evaluation.metric_names import metric_config
from cfmrestore.evaluation.metrics import SetMetric
from cfmrestore.evaluation.metrics.base import pictures
from cfmrestore.evaluation.metrics.evaluator import RestorationEvaluator
from cfmrestore.evaluation.metrics.feature_space import FeatureSpace
from cfmrestore.evaluation.metrics.reference import ReferenceSet
from cfmrestore.registry import METRICS, load_plugins
from cfmrestore.reports import results


def evaluate_folders(
    restored: str | Path,
    target: str | Path | None = None,
    *,
    low: str | Path | None = None,
    reference: str | Path | None = None,
    protocol: str = "classic_y",
    metrics: Sequence[str] = ("PSNR", "SSIM"),
    scale: int | None = None,
    suffix: str = "",
    method: str | None = None,
    name: str | None = None,
    weights: str | None = None,
    patches: int | None = None,
    patch_side: int | None = None,
    min_images: int | None = None,
    interval: float | None = None,
    out: str | None = None,
    report: str | None = None,
) -> results.Result:
    """Measure a folder of restored images; files belong together by their paths without extensions.

    Args:
        restored: The folder of restorations, or one image.
        target: The folder of what they should be; not needed for metrics without reference.
        low: The folder of inputs: the table then has a row for bicubic interpolation.
        reference: Other pictures that metrics of whole sets compare with in place of targets: their folder, or a file
            of ``feature_statistics``.
        protocol: How images are compared.
        metrics: Names of metrics, in any case.
        scale: Pixels of a restoration a pixel of its input, where ``low`` does not tell.
        suffix: What the names of restorations end with beyond those of the targets, such as "_x4".
        method: How the restorations are called in tables; by default their folder.
        name: How the set of images is called; by default the folder of the targets.
        weights: Folder with the weights of networks that metrics need; without it, torch's cache.
        patches: How many patches metrics of whole sets cut an image into, in place of their defaults.
        patch_side: Side of a patch, in pixels.
        min_images: Fewest images that metrics of whole sets take, in place of what they need.
        interval: Confidence level of an interval of each metric of whole sets, such as 0.95, whose ends get columns.
        out: JSON file for the result; a table and a CSV file are written beside it.
        report: HTML file with table, histograms and the worst images.
    """
    load_plugins()
    results.check_names(out, report)
    if scale is not None and scale < 1:
        raise ValueError(f"scale must be 1 or more; got {scale}")
    folders = {kind: folder for kind, folder in (("restored", restored), ("target", target), ("low", low)) if folder}
    sets = {"reference": reference, "patches": patches, "patch_side": patch_side, "min_images": min_images}
    configs = _configs(metrics, weights, {**sets, "interval": interval})
    evaluator = _evaluator(configs, protocol, folders.keys(), scale)
    files = match_files(folders, suffix)
    check_sizes(files, scale)
    comparing = [] if reference is None else _comparing(evaluator, reference)
    evaluator.prepare(len(files))
    for image in track(list(files)):
        evaluator.process([read_sample(image, files[image], scale)])
    scores = {name or results.title_of(target or restored): evaluator.score(len(files))}
    settings = {kind: str(folder) for kind, folder in folders.items()}
    if comparing and comparing[0].reference is not None:
        settings |= {"reference": str(reference), "reference_sha256": comparing[0].reference.images_sha256}
    result = results.assemble(method or results.title_of(restored), protocols.find_protocol(protocol), scores, settings)

    def pictures_of(benchmark: str, image: str) -> dict[str, np.ndarray]:
        del benchmark
        return {kind: to_pixels(x) for kind, x in pictures(read_sample(image, files[image], scale)).items()}

    results.write_outputs(result, out, report, pictures_of)
    return result


def _configs(metrics: Sequence[str], weights: str | None, sets: dict[str, Any]) -> list[dict[str, Any]]:
    """Of the metrics, each once; what is said of those of whole sets has to mean one of them."""
    configs = [metric_config(metric, weights, **sets) for metric in dict.fromkeys(metrics)]
    if sets["interval"] is not None and not any("interval" in config for config in configs):
        raise ValueError("an interval is of metrics of whole sets: name fid, kid or kid:FEATURES among the metrics")
    return configs


def _comparing(evaluator: RestorationEvaluator, reference: str | Path) -> list[SetMetric]:
    """The metrics that compare with a reference; the features of a folder are measured once for all of one space."""
    comparing = [m for m in evaluator.metrics if isinstance(m, SetMetric) and m.reference_file is not None]
    if not comparing:
        raise ValueError("no metric compares with a reference: name fid, kid or another one of whole sets")
    measured: dict[FeatureSpace, ReferenceSet] = {}
    for metric in comparing if Path(reference).is_dir() else ():
        if metric.space not in measured:
            measured[metric.space] = measure_set(reference, metric.space)
        metric.reference = measured[metric.space]
    return comparing


def _evaluator(
    configs: Sequence[dict[str, Any]], protocol: str, given: Collection[str], scale: int | None
) -> RestorationEvaluator:
    """The metrics, if what is given of the images is enough for them."""
    crops = protocols.find_protocol(protocol).crop
    default = {"protocol": protocol}
    built = [METRICS.build(config, default_args=default) for config in [*configs, {"type": "ImageDigest"}]]
    if "target" not in given and (needing := [type(metric).__name__ for metric in built if metric.needs_target]):
        raise ValueError(f"{', '.join(needing)} compare with targets: name their folder too")
    if crops and "low" not in given and scale is None and any(metric.needs_scale for metric in built):
        raise ValueError(
            f"the protocol {protocol!r} cuts a border of as many pixels as the scale: give the scale (--scale), or the "
            "folder of the inputs (--low)"
        )
    return RestorationEvaluator(built)
