"""Encode photographs once, for trainings that read latents.

CachedLatents reads what is written. The same command in several processes (torchrun, or --rank and --world-size on
any machines that share the folder) divides the work; started again, it goes on where it stopped.
"""

import argparse
from typing import Any

from cfmrestore.cli import common

INTERRUPTED = "interrupted; the same command goes on where it stopped"

JSON = True


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", metavar="CONFIG|MODEL", help="a training config (.py), or a model, with --images")
    parser.add_argument("--out", required=True, metavar="FOLDER", help="of the cache, which CachedLatents reads")
    what = parser.add_argument_group("what is encoded")
    what.add_argument("--images", metavar="FOLDER", help="photographs (default: the config's training data)")
    of_mixture = "of those that a config mixes, from 0 on: each has a cache of its own"
    what.add_argument("--dataset", type=int, metavar="N", help=of_mixture)
    what.add_argument("--crop", type=int, metavar="SIDE", help="cut squares from --images, turned and mirrored")
    what.add_argument("--degradation", metavar="PRESET", help="default: that of the config or model")
    what.add_argument("--crops", type=int, default=1, metavar="N", help="crops an image (default: 1)")
    what.add_argument("--degradations", type=int, default=1, metavar="N", help="inputs a crop (default: 1)")
    parts = "what of the inputs: low, lifted (enlarged before) or both (default: what the flow needs)"
    what.add_argument("--parts", nargs="+", default=(), metavar="PART", help=parts)
    what.add_argument("--seed", type=int, help="of crops and degradations (default: the config's)")
    files = parser.add_argument_group("the files")
    files.add_argument("--dtype", default="float16", help="of the moments: float16, bfloat16, float32")
    files.add_argument("--shard", type=int, default=1024, metavar="N", help="images a shard (default: 1024)")
    sample = "encode N entries again and compare, in place of writing (default: 16)"
    files.add_argument("--verify", type=int, nargs="?", const=16, metavar="N", help=sample)
    machine = parser.add_argument_group("the machine")
    machine.add_argument("--batch", type=int, default=16, metavar="N", help="images encoded together (default: 16)")
    machine.add_argument("--workers", type=int, default=0, metavar="N", help="processes that read images (default: 0)")
    machine.add_argument("--rank", type=int, metavar="R", help="number of this process (default: torchrun's)")
    machine.add_argument("--world-size", type=int, metavar="W", help="how many there are (default: torchrun's)")
    machine.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1 ...")
    machine.add_argument("--threads", type=int, metavar="N", help="of each process on a CPU (default: all cores)")
    common.add_key_values(parser, "--cfg-options", help="change keys of the config: data_root=FOLDER")


def run(args: argparse.Namespace) -> Any:
    keys = common.keywords(args)
    rank, count = common.process_part()
    rank = rank if (own := keys.pop("rank")) is None else own
    count = count if (all_ := keys.pop("world_size")) is None else all_
    if not 0 <= rank < count:
        raise ValueError(f"--rank is one of 0 to --world-size - 1; got {rank} of {count}")
    common.use_threads(keys.pop("threads"))
    from cfmrestore.apis.cache import write_cache

    done = write_cache(**keys, part=(rank, count))
    if args.verify is not None:
        common.say("{verified} entries encoded again differ by {difference:.2g} of the largest moment".format(**done))
    else:
        left = f"; {done['left']} tasks are left to other processes" if done["left"] else ""
        common.say(f"{done['entries']} entries written to {args.out}{left}")
    return done
