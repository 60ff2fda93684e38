"""Write a flow's own pairs of start and end.

On them another flow is trained that is straighter (reflow), or one that takes few steps. Photographs with
small versions of your own are trained on as PairedFolder: docs/train.md.
"""

import argparse
from typing import Any

from cfmrestore.cli import common
from cfmrestore.cli.fit_grid import add_start_flags

INTERRUPTED = "interrupted; the same command goes on where it stopped"

JSON = True

MODELS = ("model",)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL", help=common.MODEL)
    parser.add_argument("-n", "--count", type=int, required=True, metavar="N", help="how many pairs")
    parser.add_argument("--out", required=True, metavar="FOLDER", help="of safetensors files, which FlowPairs reads")
    add_start_flags(parser)
    ends = parser.add_argument_group("how the ends are found")
    ends.add_argument("--solver", metavar="NAME", help="Euler, Heun, DoPri5 ... (default: the model's)")
    ends.add_argument("--num-intervals", type=int, metavar="N", help="steps of the solver (default: the model's)")
    ends.add_argument("--guidance", type=float, metavar="S", help="default: the model's")
    ends.add_argument("--dtype", default="float32", help="of the numbers in the files: float32, float16")
    machine = parser.add_argument_group("the machine")
    machine.add_argument("--batch", type=int, default=64, metavar="N", help="pairs a file, made at once (default: 64)")
    machine.add_argument("--overwrite", action="store_true", help="make pairs again that are there")
    machine.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1 ...")
    machine.add_argument("--threads", type=int, metavar="N", help="of each process on a CPU (default: all cores)")


def run(args: argparse.Namespace) -> Any:
    keys = common.keywords(args, part=common.process_part())
    common.use_threads(keys.pop("threads"))
    from cfmrestore.apis.pairs import write_pairs

    done = write_pairs(**keys)
    common.say(f"{common.files_written(done)} to {args.out}")
    return {"files": done}
