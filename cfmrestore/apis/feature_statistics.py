"""Statistics of a folder of pictures in a feature space, with which generated pictures are compared."""

from pathlib import Path

import torch

from cfmrestore.engine.jobs import track
from cfmrestore.evaluation.folders import match_files, read_sample
from cfmrestore.evaluation.functional.frechet import GaussianSums
from cfmrestore.evaluation.metrics import ImageDigest
from cfmrestore.evaluation.metrics.feature_space import FeatureSpace
from cfmrestore.evaluation.metrics.reference import ReferenceSet
from cfmrestore.imageio.atomic import check_free
from cfmrestore.registry import load_plugins


def feature_statistics(
    folder: str | Path,
    out: str | Path,
    *,
    features: str = "InceptionV3",
    weights: str | None = None,
    patches: int = 0,
    patch_side: int = 256,
    keep_features: bool = False,
    overwrite: bool = False,
) -> ReferenceSet:
    """Write the mean and the covariance of the features of all pictures of a folder.

    Args:
        folder: The pictures.
        out: The file, ``.safetensors``.
        features: The feature extractor.
        weights: File with its weights, or its folder; without it, where they usually lie.
        patches: How many patches a picture is cut into; 0 takes whole pictures.
        patch_side: Side of a patch, in pixels.
        keep_features: Whether the features are written too, which KID and precision and recall need: 5 KB a picture or
            patch in EfficientNet-Lite0, 8 KB in Inception.
        overwrite: Replace a file that is there.
    """
    load_plugins()
    if Path(out).suffix != ".safetensors":
        raise ValueError(f"the statistics are a .safetensors file; got {str(out)!r}")
    check_free([Path(out)], overwrite)
    reference = measure_set(folder, FeatureSpace(features, weights, patches, patch_side), keep_features=keep_features)
    reference.write(out)
    return reference


def measure_set(folder: str | Path, space: FeatureSpace, *, keep_features: bool = True) -> ReferenceSet:
    """The statistics of a folder; without its features they take the memory of one covariance."""
    files, digest, sums = match_files({"restored": folder}), ImageDigest(), GaussianSums(space.extractor.dim)
    kept: list[torch.Tensor] = []
    for name in track(sorted(files)):
        sample = read_sample(name, files[name], None)
        digest.process(None, [sample])
        features = space.of(sample["restored"], name).cpu()
        sums.update(features)
        kept += [features] if keep_features else []
    images = digest.compute_metrics(digest.results).images
    assert images is not None
    stacked = torch.cat(kept) if keep_features else None
    return ReferenceSet(sums.mean_and_covariance(), stacked, space.law(), len(files), images.sha256, str(folder))
