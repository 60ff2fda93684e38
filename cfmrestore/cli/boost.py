"""Make large pictures from prompts.

A text-to-image pipeline makes small latents, a flow lifts them.
"""

import argparse
from typing import Any

from cfmrestore.cli import common

JSON = True

MODELS = ("model",)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("prompt", nargs="?", help="a text")
    what.add_argument("--prompts", metavar="FILE", help="a text a line; empty lines and # comments are skipped")
    what.add_argument("--from-latents", metavar="FOLDER", help="lift latents that were written before")
    parser.add_argument("--pipeline", metavar="PATH", help="a folder that diffusers saved, or a hub id")
    model = "a flow in that pipeline's latents: a file or a work directory"
    parser.add_argument("--model", metavar="CHECKPOINT", help=model)
    parser.add_argument("--out", metavar="PATH", help="a folder, or a .png file for one picture; a .json beside each")
    parser.add_argument("--save-latents", metavar="FOLDER", help="write the small latents; without --model, them alone")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--samples", type=int, default=1, metavar="N", help="pictures a prompt")
    parser.add_argument("--steps", type=int, help="of the pipeline's scheduler (default: the pipeline's)")
    parser.add_argument("--guidance-scale", type=float, help="default: the pipeline's")
    parser.add_argument("--negative-prompt", metavar="TEXT", help="what the pipeline shall avoid")
    parser.add_argument("--height", type=int, help="of the small picture (default: the pipeline's)")
    parser.add_argument("--width", type=int, help="of the small picture (default: the pipeline's)")
    parser.add_argument("--num-intervals", type=int, help="of the flow (default: the checkpoint's)")
    parser.add_argument("--batch", type=int, default=1, metavar="N", help="pictures at a time")
    parser.add_argument("--compare", action="store_true", help="write the small picture too, enlarged bicubically")
    parser.add_argument("--device", default="auto", help="default: a GPU where there is one")
    parser.add_argument("--precision", default="auto", help="auto, fp32, bf16 or fp16")
    encoder = "where the flow's autoencoder lies now (default: --pipeline has it)"
    parser.add_argument("--encoder", metavar="PATH", help=encoder)
    parser.add_argument("--overwrite", action="store_true", help="make again what is there")


def run(args: argparse.Namespace) -> Any:
    from cfmrestore.apis.boost import boost
    from cfmrestore.ldm.boost_jobs import read_prompts

    keys = common.keywords(args, part=common.process_part())
    prompt, file = keys.pop("prompt"), keys.pop("prompts")
    done = boost(read_prompts(file) if file else [prompt] if prompt else [], **keys)
    common.say(f"{len(done)} {'pictures' if args.model else 'latents'} in {args.out or args.save_latents}")
    return {"files": done}
