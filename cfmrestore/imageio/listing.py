"""Image files below a folder, and the splits of them."""

from pathlib import Path

EXTENSIONS = frozenset(
    (".png", ".jpg", ".jpeg", ".jfif", ".webp", ".bmp", ".tif", ".tiff", ".ppm", ".pgm", ".pnm", ".gif", ".jp2",
     ".avif")
)  # fmt: skip
SPLITS = ("all", "train", "held_out")
_EVERY = 4  # the first of so many files is held out


def list_images(root: str | Path, split: str = "all") -> list[Path]:
    """The image files below a folder, sorted by their path; one clear error where there are none.

    "held_out" takes every fourth, beginning with the first; "train" the others. A split goes by their places: where
    files are added to a folder, it is another one.
    """
    if split not in SPLITS:
        raise ValueError(f"split is one of {', '.join(SPLITS)}; got {split!r}")
    root = Path(root)
    if not root.is_dir():
        raise ValueError(f"there is no folder {str(root)!r}: name a folder of images")
    paths = sorted(p for p in root.rglob("*") if p.suffix.lower() in EXTENSIONS and p.is_file())
    if not paths:
        raise ValueError(f"the folder {str(root)!r} holds no images ({' '.join(sorted(EXTENSIONS))})")
    chosen = [path for n, path in enumerate(paths) if split == "all" or (n % _EVERY == 0) == (split == "held_out")]
    if not chosen:
        raise ValueError(f"the folder {str(root)!r} holds too few images to hold any out")
    return chosen
