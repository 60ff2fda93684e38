"""Fill holes of a photograph.

Its mask is an image of the same size, white where something is to be made up. No shipped model inpaints: train one,
in half an hour on a core, with cfmrestore train cfmrestore::lfm/inpainting_photographs.py.
"""

import argparse
from typing import Any

from cfmrestore import model_zoo
from cfmrestore.cli import common

_SETTINGS = ("seed", "fidelity", "num_intervals", "solver", "tile")

JSON = True

READS = ("image", "mask")
MODELS = ("model",)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("image", metavar="PHOTO")
    parser.add_argument(
        "mask", metavar="MASK", help="of the same size: white (or, with transparency, opaque) is a hole"
    )
    parser.add_argument("--model", metavar="PATH", help="one that was trained to inpaint, needed: none is shipped")
    parser.add_argument("--out", metavar="FILE", help="default: PHOTO_inpainted, beside it")
    parser.add_argument("--invert", action="store_true", help="black is a hole")
    parser.add_argument("--seed", type=int, default=0, help="another one makes up something else")
    fidelity = "0 the most detailed, 1 the mean of what may be there (default: the model's)"
    parser.add_argument("--fidelity", type=float, metavar="F", help=fidelity)
    parser.add_argument("--samples", type=int, default=1, metavar="N", help="results, of the seeds that follow")
    parser.add_argument("--num-intervals", type=int, metavar="N", help="steps of the solver")
    parser.add_argument("--solver", metavar="NAME", help="Euler, Heun, ...")
    parser.add_argument("--tile", type=common.tile, default="auto", help="auto, pixels of a tile, or 0 for none")
    parser.add_argument("--overwrite", action="store_true", help="replace files that are there")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1 ...")
    parser.add_argument("--precision", default="auto", help="of the network: auto, fp32, bf16, fp16")
    parser.add_argument("--threads", type=int, metavar="N", help="on a CPU (default: all cores)")


def run(args: argparse.Namespace) -> Any:
    keys = common.keywords(args)
    if keys["model"] in (None, "auto"):
        raise ValueError(f"--model is missing: {model_zoo.INPAINTING}")
    common.use_threads(keys.pop("threads"))
    from cfmrestore.apis.inpaint import inpaint
    from cfmrestore.restore import Settings

    done = inpaint(settings=Settings(**{key: keys.pop(key) for key in _SETTINGS}), **keys)
    common.say(f"written: {', '.join(map(str, done))}")
    return {"files": done}
