"""Writing a cache of latents for training, in one process or many."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cfmrestore.datasets.latent_cache.shards import read_index
from cfmrestore.engine.config import presets
from cfmrestore.engine.config.load import load_config
from cfmrestore.engine.distributed import device_of_process
from cfmrestore.engine.latent_cache.source import CacheSource
from cfmrestore.engine.latent_cache.tasks import CacheWriter
from cfmrestore.engine.latent_cache.verify import verify as verify_cache
from cfmrestore.former_names import update_names
from cfmrestore.hub import read_meta
from cfmrestore.registry import DATASETS, MODELS, load_plugins
from cfmrestore.restore import stages

_OF_TRAINING = set(stages.TRAINING) - {"data_preprocessor"}
"""Keys of a model that encode nothing."""

Config = dict[str, Any]


def write_cache(
    source: str | Path,
    out: str | Path,
    *,
    images: str | Path | None = None,
    dataset: int | None = None,
    crop: int | None = None,
    degradation: str | None = None,
    crops: int = 1,
    degradations: int = 1,
    parts: Sequence[str] = (),
    dtype: str = "float16",
    shard: int = 1024,
    batch: int = 16,
    seed: int | None = None,
    verify: int | None = None,
    workers: int = 0,
    device: str = "auto",
    part: tuple[int, int] = (0, 1),
    options: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Encode photographs and their inputs once.

    Returned are "entries", how many this process wrote, and "left", the tasks that are left to other processes; or
    with ``verify`` "verified", how many entries were encoded again, and "difference", the largest in parts of the
    largest moment of its entry.

    Shards that are there are left as they are, so that a broken run goes on; the bytes are the same whoever writes
    them. ``CachedLatents`` reads them for training once all are there.

    Args:
        source: A training config, or a model as for ``Restorer.from_pretrained``.
        out: Folder of the cache.
        images: A folder of photographs, in place of the config's dataset; a model needs it.
        dataset: Which of the datasets that a config mixes, from 0 on.
        crop: Side of the squares that are cut from them, turned and mirrored; without, they are taken whole.
        degradation: A preset, in place of that of the config or model.
        crops: Crops of an image.
        degradations: Inputs of a crop.
        parts: "low", "lifted" or both: what of the inputs is encoded; by default what the flow needs.
        dtype: "float16", "bfloat16" or "float32".
        shard: Images of a shard.
        batch: Images that are encoded together.
        seed: Of crops and degradations; by default the config's.
        verify: Encode so many entries again in place of writing any, and compare.
        workers: Processes that read images.
        device: "auto" or a device.
        part: (i, n) writes the i-th of n shares.
        options: Dotted keys of the config and their values.
    """
    load_plugins()
    model, own, own_seed, trained = _configs(source, options)
    if degradation is not None:
        model["data_preprocessor"] = _degraded_by(degradation, model)
    photographs = _photographs(_one_of(own, dataset), images, crop)
    flow = MODELS.build(model).to(device_of_process(device)).eval()
    if trained not in (None, flow.encoder.digest()):
        raise ValueError(
            f"{source} was trained in the space of another encoder ({trained}; here {flow.encoder.digest()}): its "
            "latents would not fit"
        )
    data = DATASETS.build(photographs, default_args={"seed": own_seed if seed is None else seed})
    entries = CacheSource(flow, data, photographs, degradations=degradations, parts=parts, dtype=dtype)
    writer = CacheWriter(entries, Path(out), versions=crops * degradations, shard=shard, batch=batch, workers=workers)
    if verify is not None:
        count = min(verify, sum(one.count for one in read_index(out).shards))
        writer.claim()
        return {"verified": count, "difference": verify_cache(entries, Path(out), verify)}
    entries.check()
    writer.claim()
    written = writer.run(part)
    return {"entries": written, "left": writer.finish()}


def _configs(source: str | Path, options: Mapping[str, Any] | None) -> tuple[Config, Config | None, int, str | None]:
    """The model's config, that of the dataset it is trained on, the seed, and the digest of a trained one's encoder."""
    if str(source).endswith(".py"):
        cfg = load_config(source, options)
        loader = cfg.get("train_dataloader") or {}
        return cfg.model.to_dict(), loader.get("dataset"), (cfg.get("randomness") or {}).get("seed") or 0, None
    if options:
        raise ValueError("--cfg-options are of a config; a model is cached as it was trained")
    file = stages.find_model(source).with_suffix(".safetensors")
    meta = read_meta(file)
    if (model := meta.get("model")) is None:
        raise ValueError(f"{file} does not say which model it is of: name the config of its training")
    encoding = {key: value for key, value in model.items() if key not in _OF_TRAINING}
    return update_names(encoding, warn=False), None, 0, meta.get("encoder", {}).get("digest")


def _degraded_by(preset: str, model: Mapping[str, Any]) -> Config:
    """The preprocessor of a model, with the degradation of a preset in place of its own."""
    steps = presets.resolved(preset, model.get("scale", 4))
    kept = model.get("data_preprocessor") or {"type": "RestorationPreprocessor"}
    return {**kept, "degradation": steps["degradation"], "target": steps["target"]}


def _one_of(own: Config | None, number: int | None) -> Config | None:
    """The dataset of a config, or of a mixture the one of that number."""
    mixed = (own or {}).get("datasets")
    if number is None:
        return own
    if mixed is None or not 0 <= number < len(mixed):
        has = "no datasets" if mixed is None else f"the datasets 0 to {len(mixed) - 1}"
        raise ValueError(f"the config mixes {has}; got --dataset {number}")
    return dict(mixed[number])


def _photographs(own: Config | None, images: str | Path | None, crop: int | None) -> Config:
    """The config's, or photographs of a folder: whole, or squares of them turned and mirrored as in the configs."""
    if images is None:
        if own is None or crop is not None:
            raise ValueError("name a folder of photographs: --images FOLDER (--crop cuts squares from them)")
        return own
    turns = {"type": "Albumentations", "transforms": [{"type": "D4", "p": 1.0}]}
    pipeline = [] if crop is None else [{"type": "RandomCrop", "size": crop}, turns]
    return {"type": "ImageFolder", "data_root": str(images), "pipeline": pipeline}
