"""Degrade images by a preset.

Or replay what was drawn, freeze a benchmark, look at a preset.
"""

import argparse
from pathlib import Path
from typing import Any

from cfmrestore.cli import common

JSON = True

READS = ("source", "replay", "verify")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", nargs="?", help="an image, or a folder that is searched deeply")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--preset", metavar="NAME", help="a file of configs/degradations, or the path of one")
    what.add_argument("--replay", metavar="SIDECARS", help="a sidecar, or a folder of them: the same pixels again")
    what.add_argument("--verify", metavar="FOLDER", help="hold a frozen set against its checksums")
    what.add_argument("--list", action="store_true", help="name the presets")
    parser.add_argument(
        "--out", metavar="FOLDER", help="where images and their sidecars go; of one image also FILE.png"
    )
    parser.add_argument("--freeze", action="store_true", help="write targets and inputs, with a manifest of checksums")
    parser.add_argument("--split", default="all", help="all, train or held_out: every fourth image is held out")
    parser.add_argument("--preview", metavar="FILE.png", help="a contact sheet of one image, and its drawn kernels")
    parser.add_argument("--draws", type=int, default=11, help="how often the preview draws (default: 11)")
    parser.add_argument("--scale", type=float, help="in place of the preset's")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epoch", type=int, default=0, help="the draw of an image in that epoch of training")
    parser.add_argument("--workers", type=int, default=1, metavar="N", help="processes")
    parser.add_argument("--overwrite", action="store_true", help="replace results that are there")


def run(args: argparse.Namespace) -> Any:
    if args.list:
        from cfmrestore.engine.config import presets

        about = presets.about()
        print("\n".join(f"{name:22} {sentence}" for name, sentence in about.items()))
        return {"presets": about}
    if args.verify:
        from cfmrestore.datasets.frozen import verify

        count = verify(args.verify)
        print(f"{count} images, all as frozen")
        return {"images": count}
    if args.source is None:
        raise ValueError("name an image or a folder")
    if args.preview:
        from cfmrestore.apis.degrade.preview import preview

        if args.preset is None:
            raise ValueError("--preview needs --preset")
        keys = {key: getattr(args, key) for key in ("draws", "scale", "seed", "overwrite")}
        files = preview(args.source, args.preset, args.preview, **keys)
        common.say("\n".join(f"look at {file}" for file in files))
        return {"files": files}
    return {"files": _write(args)}


def _write(args: argparse.Namespace) -> list[Path]:
    """Degrade or replay into a folder; under torchrun or accelerate every process does its share."""
    from cfmrestore.apis.degrade import degrade, replay

    if args.out is None:
        raise ValueError("name a folder for the results: --out FOLDER")
    shared = {"workers": args.workers, "overwrite": args.overwrite, "part": common.process_part()}
    if args.replay:
        done = replay(args.source, args.replay, args.out, **shared)
    else:
        draw = {key: getattr(args, key) for key in ("scale", "seed", "epoch", "split", "freeze")}
        done = degrade(args.source, args.preset, args.out, **draw, **shared)
    common.say(f"{len(done)} image{'' if len(done) == 1 else 's'} in {args.out}")
    return done
