"""Folders of one's own are taken whole: only what serves both training and validation is split."""

from collections.abc import Iterator, Mapping
from typing import Any

_SPLITS = ("train", "held_out")


def use_whole_folders(cfg: dict[str, Any]) -> None:
    """Of an ``ImageFolder`` that is split, take all images if no loader of the other kind reads that folder.

    Recipes hold out every fourth photograph of ``data_root``. With a ``val_root`` of its own nothing needs to be held
    out, and nothing is left out. Pairs and cached latents do not say of which folder they are: of any.
    """
    loaders = [cfg.get("train_dataloader"), cfg.get("val_dataloader")]
    if not all(loaders) or any(one for kind in ("CachedLatents", "PairedFolder") for one in _of_type(kind, loaders[0])):
        return
    folders = [list(_of_type("ImageFolder", loader)) for loader in (*loaders, cfg.get("test_dataloader") or {})]
    roots = [{one.get("data_root") for one in found} for found in folders]
    for found, others in zip(folders, (roots[1], roots[0], roots[0]), strict=True):
        for one in found:
            if one.get("split") in _SPLITS and one.get("data_root") not in others:
                one["split"] = "all"


def _of_type(kind: str, place: Any) -> Iterator[dict[str, Any]]:
    """The datasets of a type below a place in a config."""
    if isinstance(place, Mapping):
        if place.get("type") == kind:
            yield place  # type: ignore[misc]
        for value in place.values():
            yield from _of_type(kind, value)
    elif isinstance(place, list | tuple):
        for value in place:
            yield from _of_type(kind, value)
