"""Draw pictures with a trained model.

Of classes, of label maps, inpainted, or of noise alone.
"""

import argparse
from typing import Any

from cfmrestore.cli import common

INTERRUPTED = "interrupted; the same command goes on where it stopped"
_SAMPLING = ("guidance", "guidance_interval", "num_intervals", "solver")

JSON = True

READS = ("images", "masks", "maps")
MODELS = ("model",)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL", help=common.MODEL)
    parser.add_argument(
        "--out", default="samples", metavar="FOLDER", help="of PNG files; a sheet is FOLDER.png (default: samples)"
    )
    parser.add_argument("-n", "--count", type=int, metavar="N", help="how many (default: one a class, map or image)")
    parser.add_argument("--classes", type=int, nargs="+", default=[], metavar="C", help="of the pictures, in turn")
    parser.add_argument("--maps", metavar="PATH", help="a label map or a folder of them: levels are classes")
    parser.add_argument("--images", metavar="PATH", help="an image or a folder of them, to be inpainted")
    parser.add_argument("--masks", metavar="PATH", help="their masks, white in the holes: one for all, or by name")
    parser.add_argument("--size", metavar="SIDE", help="or HEIGHTxWIDTH, in pixels (default: the model's)")
    parser.add_argument("--seed", type=int, default=0, help="of the first picture; the others follow (default: 0)")
    look = parser.add_argument_group("how it looks")
    help_ = "1 is the condition, more strengthens it; one scale, or CONDITION=SCALE for each (default: the model's)"
    look.add_argument("--guidance", nargs="+", metavar="S", help=help_)
    look.add_argument("--guidance-interval", type=float, nargs=2, metavar=("FROM", "TO"), help="times of guidance")
    look.add_argument("--num-intervals", type=int, metavar="N", help="steps of the solver")
    look.add_argument("--solver", metavar="NAME", help="Euler, Heun, DoPri5 ...")
    machine = parser.add_argument_group("the machine")
    machine.add_argument("--batch", type=int, default=16, metavar="N", help="pictures at once (default: 16)")
    machine.add_argument("--overwrite", action="store_true", help="draw pictures again that are there")
    machine.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1 ...")
    machine.add_argument("--precision", default="auto", help="of the network: auto, fp32, bf16, fp16")
    machine.add_argument("--threads", type=int, metavar="N", help="of each process on a CPU (default: all cores)")


def guidance_of(words: list[str] | None) -> float | dict[str, float] | None:
    """One scale, or one by the name of a condition."""
    if words is None:
        return None
    try:
        if len(words) == 1 and "=" not in words[0]:
            return float(words[0])
        return {name: float(scale) for name, scale in common.parse_names(words).items()}
    except ValueError as error:
        raise ValueError(f"--guidance is one scale, or CONDITION=SCALE for each; got {' '.join(words)}") from error


def size_of(text: str | None) -> int | tuple[int, int] | None:
    """A side, or height and width."""
    if text is None:
        return None
    parts = text.split("x")
    if len(parts) > 2 or not all(part.isdigit() and int(part) > 0 for part in parts):
        raise ValueError(f"--size is SIDE or HEIGHTxWIDTH in pixels; got {text!r}")
    return int(parts[0]) if len(parts) == 1 else (int(parts[0]), int(parts[1]))


def run(args: argparse.Namespace) -> Any:
    keys = common.keywords(args, size=size_of(args.size), part=common.process_part())
    sampling: dict[str, Any] = {key: keys.pop(key) for key in _SAMPLING}
    sampling["guidance"] = guidance_of(sampling["guidance"])
    common.use_threads(keys.pop("threads"))
    from cfmrestore.apis.sample import sample

    done = sample(sampling=sampling, **keys)
    common.say(f"{len(done)} pictures written to {args.out}")
    return {"files": done}
